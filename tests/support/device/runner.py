# Runs plain files on MicroPython. list_cases(module): a line of JSON {test: [id of each case]}.
# run_test(module, test): a line of JSON for each case.

import builtins
import io
import json
import sys

from rows import cases

seen = {}  # operand of the assert that is evaluated: its value (asserts.py)


def see(n, value):
    seen[n] = value
    return value


def passed(value):
    if value:
        seen.clear()
    return value


def shown(value):
    try:
        return repr(value)
    except Exception as e:
        return "(its repr raises %r)" % e


def run(test, arguments):
    # {} if it passes.
    seen.clear()
    try:
        test(*arguments)
        return {}
    except Exception as e:
        text = io.StringIO()
        sys.print_exception(e, text)
        return {
            "error": text.getvalue(),
            "seen": {str(n): shown(value) for n, value in seen.items()},
            "row": shown(arguments),
        }


def list_cases(module):
    module = __import__(module)
    tests = [name for name in dir(module) if name.startswith("test_")]
    ids = {name: [id for id, _ in cases(getattr(module, name))] for name in tests}
    print("RESULT " + json.dumps(ids))


def run_test(module, name):
    test = getattr(__import__(module), name)
    for n, (_, arguments) in enumerate(cases(test)):
        result = run(test, arguments)
        result["test"], result["case"] = name, n
        print("RESULT " + json.dumps(result))


builtins._seen = see
builtins._passed = passed
