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
textsender send --phone="$1" --code - > /dev/null
case $? in
    # Sent, or it may have been: the user can type it in.
    0 | 76) exit 0 ;;
    *) exit 1 ;;
esac
