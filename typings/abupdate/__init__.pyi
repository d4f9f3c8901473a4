# What an editor and a type checker know of `abupdate`. The sources in lib/abupdate say what it
# means.

class Refused(Exception): ...
