# SPDX-License-Identifier: Apache-2.0
"""Parts of the kernel lab: see ../lab.py for the whole.

What bench A's lab has for both (processes, jobs) is taken from there: its folder is searched
after this one.
"""

import os

__path__.append(os.path.join(os.path.dirname(os.path.realpath(__file__)), "../../labkit"))
