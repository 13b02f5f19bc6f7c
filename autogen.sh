#!/bin/sh
# Makes configure from configure.ac in a git checkout.
cd "$(dirname "$0")" && exec autoreconf --install --warnings=all
