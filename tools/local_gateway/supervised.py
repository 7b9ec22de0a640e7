"""python -m tools.local_gateway.supervised MODULE ARGUMENT...: a module as a program that ends with its parent.

So do the programs that it starts: with its standard input closed, the whole process group is killed. The parent must
make it the leader of a group of its own.
"""

import runpy
import sys

from tools.local_gateway.lifeline import end_with_parent


def main() -> None:
    end_with_parent(whole_group=True)
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
