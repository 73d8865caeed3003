#!/bin/sh
# Runs a command with ROS 2 and BatSort in its environment.
set -e
. /opt/ros/jazzy/setup.sh
. /batsort/.cell/jazzy/install/local_setup.sh
PYTHONPATH="$(echo /batsort/.cell/jazzy/venv/lib/python3.*/site-packages):$PYTHONPATH"
export PYTHONPATH
exec "$@"
