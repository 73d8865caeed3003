#!/bin/sh
# Runs a command with ROS 2 and BatSort in its environment.
set -e
. /opt/ros/jazzy/setup.sh
exec /batsort/cell exec "$@"
