#!/usr/bin/python3
"""Changes a domain that runs, as its administrator would: edit.py DIR WHAT ...

user NAME [ATTRIBUTE=VALUE ...]   a user in OU=Staff
user-at DN NAME [...]             the same in a container that is made if need be
deny DN ATTRIBUTE                 svc-textsender may not read this attribute, and gets no error
hide GUID                         svc-textsender may not read this group policy object
gpo GUID NAME                     a group policy object for everyone
link DN GUID                      it is linked to a container that is made if need be
attribute DN NAME VALUE
account NAME PASSWORD             one that logs in, in OU=Service
password NAME PASSWORD            the same gets another password
password-ends ACCOUNT HOURS       its password ends in so many hours (below 0: it has), or never; five wrong ones lock it
show DN NAME                      the attribute's value
"""
import os, sys, time
arguments = sys.argv[2:]
sys.argv = [sys.argv[0], sys.argv[1], "0"]
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from seed import base, db, gpo, ldb, link, ndr_pack, ndr_unpack, ou, security, sid, user

SVC = sid(f"CN=svc-textsender,OU=Service,{base}")

def first_entry(dn, entry):
    found = db.search(dn, ldb.SCOPE_BASE, attrs=["nTSecurityDescriptor"])[0]
    sddl = ndr_unpack(security.descriptor, found["nTSecurityDescriptor"][0]).as_sddl()
    at = sddl.index("(", sddl.index("D:"))
    changed = security.descriptor.from_sddl(sddl[:at] + entry + sddl[at:], security.dom_sid(db.get_domain_sid()))
    replace(dn, "nTSecurityDescriptor", ndr_pack(changed))

def replace(dn, name, value):
    m = ldb.Message(); m.dn = ldb.Dn(db, dn)
    m["a"] = ldb.MessageElement(value, ldb.FLAG_MOD_REPLACE, name)
    db.modify(m)

def schema_id(attribute):
    found = db.search(db.get_schema_basedn(), ldb.SCOPE_SUBTREE, f"(lDAPDisplayName={attribute})", attrs=["schemaIDGUID"])
    return db.schema_format_value("objectGUID", found[0]["schemaIDGUID"][0]).decode()

def policy(guid): return f"CN={{{guid}}},CN=Policies,CN=System,{base}"

def made(dn):
    try: return ou(dn)
    except ldb.LdbError: return dn

def service(name): return f"CN={name},OU=Service,{base}"

def password_ends(account, hours):
    """By settings of its own (a PSO), which count before the domain's: no password is older than a hundred days."""
    dn = f"CN={account},CN=Password Settings Container,CN=System,{base}"
    day = 24 * 36_000_000_000                                       # In steps of 100 ns.
    age = str(-0x8000000000000000 if hours == "never" else -100 * day)
    try: replace(dn, "msDS-MaximumPasswordAge", age)
    except ldb.LdbError:
        db.add({"dn": dn, "objectClass": "msDS-PasswordSettings", "msDS-PasswordSettingsPrecedence": "1",
                "msDS-PasswordReversibleEncryptionEnabled": "FALSE", "msDS-PasswordHistoryLength": "0",
                "msDS-PasswordComplexityEnabled": "FALSE", "msDS-MinimumPasswordLength": "0", "msDS-MinimumPasswordAge": "0",
                "msDS-MaximumPasswordAge": age, "msDS-LockoutThreshold": "5", "msDS-LockoutObservationWindow": "-18000000000",
                "msDS-LockoutDuration": "-18000000000", "msDS-PSOAppliesTo": service(account)})
    if hours == "never": return
    # Samba writes no other time than now: what it keeps is changed beneath it.
    now = int((time.time() + 11_644_473_600) * 10_000_000)
    kept = ldb.Ldb(f"{sys.argv[1]}/private/sam.ldb.d/{base.upper()}.ldb")
    m = ldb.Message(); m.dn = ldb.Dn(kept, str(db.search(service(account), ldb.SCOPE_BASE, attrs=["cn"])[0].dn))
    m["a"] = ldb.MessageElement(str(now - 100 * day + int(hours) * day // 24), ldb.FLAG_MOD_REPLACE, "pwdLastSet")
    kept.modify(m)

what, rest = arguments[0], arguments[1:]
if what == "user": what, rest = "user-at", [f"OU=Staff,{base}"] + rest
if what == "user-at": user(rest[1], made(rest[0]), rest[1], **dict(one.split("=", 1) for one in rest[2:]))
elif what == "deny": first_entry(rest[0], f"(OD;;RP;{schema_id(rest[1])};;{SVC})")
elif what == "hide": first_entry(policy(rest[0]), f"(D;;RPRC;;;{SVC})")
elif what == "gpo": gpo(rest[0], rest[1])
elif what == "link": link(made(rest[0]), (policy(rest[1]), 0))
elif what == "attribute": replace(rest[0], rest[1], rest[2])
elif what == "account": user(rest[0], f"OU=Service,{base}", rest[0], password=rest[1])
elif what == "password": db.setpassword(f"(sAMAccountName={rest[0]})", rest[1])
elif what == "password-ends": password_ends(*rest)
elif what == "show": print(str(db.search(rest[0], ldb.SCOPE_BASE, attrs=[rest[1]])[0].get(rest[1], "")))
else: sys.exit(__doc__)
