"""`python -m tools.board NAME`: what is done to a board by its cable; `make` has the same."""

import typer

from tools.board import flash, image, stage

app = typer.Typer(no_args_is_help=True, add_completion=False)
app.command("stage")(stage.main)
app.command("flash")(flash.main)
app.command("image")(image.main)


if __name__ == "__main__":
    app()
