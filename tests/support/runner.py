# Runs on the unix port: all tests of one module, a line of JSON each.

import io
import json
import sys

module = __import__(sys.argv[1])
for name in dir(module):
    if name.startswith("test_"):
        error = ""
        try:
            getattr(module, name)()
        except Exception as e:
            text = io.StringIO()
            sys.print_exception(e, text)
            error = text.getvalue()
        print("RESULT " + json.dumps({name: error}))
