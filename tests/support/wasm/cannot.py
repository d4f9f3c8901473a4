"""What cannot run on the WebAssembly port, and why. A test of these that passes is a failure."""

# {file: {test, with the id of its row if it has rows: reason}}
CANNOT = {
    "test_checksum": {"test_wrong[md5]": "its hashlib has no MD5"},
}
