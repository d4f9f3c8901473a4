"""`python -m tools.board NAME`: what is done to a board by its cable; `make` has the same."""

import typer

from tools.board import backup, deploy, erase, flash, image, monitor, settings, stage
from tools.board.link import LinkError
from tools.causes import cause

app = typer.Typer(no_args_is_help=True, add_completion=False)
app.command("stage")(stage.main)
app.command("flash")(flash.main)
app.command("image")(image.main)
app.command("settings")(settings.main)
app.command("deploy")(deploy.main)
app.command("monitor")(monitor.main)
app.command("backup")(backup.main)
app.command("restore")(backup.restore)
app.command("erase-app")(erase.main)


def main():
    try:
        app()
    except (OSError, ValueError, LinkError) as error:
        raise SystemExit(f"board: {cause(error)}") from None


if __name__ == "__main__":
    main()
