# Runs at every start. A board compiles this file then, so what is long stands in start.py.

import start

start.run()
