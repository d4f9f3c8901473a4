# What runs inside the interpreter, as its package `vboard`: so no module of a program on the board
# has the name of one of ours. Start reading at __main__.py.
