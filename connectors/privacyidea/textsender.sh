#!/bin/sh
# Sends the codes of privacyIDEA by textsender: an SMS gateway of the class ScriptSMSProvider.
#
# Copy this file to /etc/privacyidea/scripts, make it executable, and define the gateway with
#
#     script      textsender.sh
#     background  wait
#
# privacyIDEA gives the number as the argument and the text on standard input. Its policy `smstext` has to be
# <otp>, as it is unless it was changed: the words around the code are the textsender policy's. The account of
# privacyIDEA needs the hub's socket ([serve] socket and group in textsender.toml).
#
# It may be used as well: `product = "privacyidea"` in [callers.NAME], for the class HttpSMSProvider.
answer=$(textsender send --phone="$1" --code -)
case $? in
    # It never ran, unless it died in the middle of its answer.
    1 | 2 | 126 | 127) [ -n "$answer" ] ;;
    # Not sent: see the outcomes.
    6? | 7[0-57-9]) exit 1 ;;
    # Sent, or it may have been, as when a signal ended it: the user can type it in.
    *) exit 0 ;;
esac
