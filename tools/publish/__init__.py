"""Updates published to boards in the field, and the boards' state, by ThingsBoard's REST API.

Data flows one way: `release` (a package on this PC or on the server) and `targets` (who is to
have it) make a `Rollout`, whose rules know no network; `run` carries it out, and `table` shows it.
`fleet` only looks. docs/publishing.md is for people.
"""


class PublishError(Exception):
    """It cannot be done, in a sentence for a person; never tells a password, a key or a token."""
