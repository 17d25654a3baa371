"""Writes writings.tsv: an example mobile number of every region, in the parts that the writings of the tests
are put together from.

    /tmp/venv/bin/pip install phonenumbers==9.0.43
    /tmp/venv/bin/python writings.py > writings.tsv

A region without an example of a mobile number gives one of a landline. Same version, same output.
"""

import sys

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberFormat, PhoneNumberType

VERSION = "9.0.43"

if phonenumbers.__version__ != VERSION:
    sys.exit(f"this is phonenumbers {phonenumbers.__version__}; install {VERSION}, or change VERSION")
print(f"# Made by writings.py from phonenumbers {VERSION}: region, calling code, national digits, the prefix")
print("# dialled before these inside the country, and how libphonenumber writes the number nationally.")
for region in sorted(phonenumbers.SUPPORTED_REGIONS):
    examples = (phonenumbers.example_number_for_type(region, kind)
                for kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE))
    number = next(example for example in examples if example)
    print(region, number.country_code, phonenumbers.national_significant_number(number),
          PhoneMetadata.metadata_for_region(region).national_prefix or "",
          phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL).replace("\u00a0", " "), sep="\t")
