"""`make release`: what of the project goes out, as files in `dist`, of one version.

An index for mip, the sources that a frozen image wants and, with a key, the update for boards in
the field. All parts are made first and then written together, so a release that is refused changes
nothing. Two runs give the same bytes.
"""


class Refused(ValueError):
    """The release cannot be made; the text says why, and what to do."""
