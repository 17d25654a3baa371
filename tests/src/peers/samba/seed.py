#!/usr/bin/python3
"""Fills a provisioned domain with what textsender must understand: seed.py DIR [BULK].

Writes the database files themselves (DIR/private/sam.ldb), with or without a server running; as the user who
provisioned. BULK more OUs, each with a link, and users, for paging and timing.
"""
import os, sys
os.environ.setdefault("TDB_NO_FSYNC", "1")
import ldb
from samba.param import LoadParm
from samba.auth import system_session
from samba.samdb import SamDB
from samba.ndr import ndr_pack, ndr_unpack
from samba.dcerpc import security

d = os.path.abspath(sys.argv[1])
bulk = int(sys.argv[2]) if len(sys.argv) > 2 else 0
lp = LoadParm(); lp.load(d + "/etc/smb.conf")
db = SamDB(url=d + "/private/sam.ldb", session_info=system_session(), lp=lp)
base = str(db.domain_dn())
realm = lp.get("realm").lower()
APPLY = "edacfd8f-ffb3-11d1-b41d-00a0c968f939"
RW = "RPWPCCDCLCLORCWOWDSDDTSW"

def ou(dn, **a): db.add(dict({"dn": dn, "objectClass": "organizationalUnit"}, **a)); return dn
def group(name, members=(), gtype=None, sam=None):
    dn = f"CN={name},OU=Groups,{base}"
    e = {"dn": dn, "objectClass": "group", "sAMAccountName": sam or name}
    if gtype is not None: e["groupType"] = str(gtype)
    if members: e["member"] = list(members)
    db.add(e); return dn
def user(rdn, parent, sam, uac=512, password=None, **a):
    dn = f"CN={rdn},{parent}"
    # 544: no password needed yet; a disabled one is 514
    db.add(dict({"dn": dn, "objectClass": "user", "sAMAccountName": sam, "userPrincipalName": f"{sam}@{realm}",
                 "userAccountControl": str(uac | 32)}, **a))
    if password:
        db.setpassword(f"(distinguishedName={ldb.binary_encode(dn)})", password)
        m = ldb.Message(); m.dn = ldb.Dn(db, dn)
        m["u"] = ldb.MessageElement(str(uac), ldb.FLAG_MOD_REPLACE, "userAccountControl"); db.modify(m)
    return dn
def sid(dn): return str(ndr_unpack(security.dom_sid, db.search(dn, ldb.SCOPE_BASE, attrs=["objectSid"])[0]["objectSid"][0]))
def gpo(guid, name, dacl="", flags=0, **a):
    """As samba-tool and GPMC make it, but for sysvol. `dacl` follows the entries of the administrators."""
    guid = "{" + guid + "}"
    dn = f"CN={guid},CN=Policies,CN=System,{base}"
    dacl = dacl or f"(A;CI;RPLCLORC;;;AU)(OA;CI;CR;{APPLY};;AU)"
    sd = f"D:P(A;CI;{RW};;;DA)(A;CI;{RW};;;EA)(A;CIIO;{RW};;;CO)(A;CI;{RW};;;SY)(A;CI;RPLCLORC;;;ED)" + dacl
    db.add(dict({"dn": dn, "objectClass": "groupPolicyContainer", "displayName": name, "flags": str(flags), "versionNumber": "0",
                 "gPCFunctionalityVersion": "2", "gPCFileSysPath": f"\\\\{realm}\\sysvol\\{realm}\\Policies\\{guid}",
                 "nTSecurityDescriptor": ndr_pack(security.descriptor.from_sddl(sd, security.dom_sid(db.get_domain_sid())))}, **a))
    for c in ("User", "Machine"): db.add({"dn": f"CN={c},{dn}", "objectClass": "container"})
    return dn
def link(dn, *links, options=None, raw=None):
    """As the attribute has it: the LAST one is link order 1."""
    m = ldb.Message(); m.dn = ldb.Dn(db, dn)
    value = raw if raw is not None else "".join(f"[LDAP://{g};{o}]" for g, o in links)
    m["l"] = ldb.MessageElement(value.encode(), ldb.FLAG_MOD_REPLACE, "gPLink")
    if options is not None: m["o"] = ldb.MessageElement(str(options), ldb.FLAG_MOD_REPLACE, "gPOptions")
    db.modify(m)

def fill():
    db.transaction_start()
    ou(f"OU=Groups,{base}"); ou(f"OU=Service,{base}")
    staff = ou(f"OU=Staff,{base}")
    sales = ou(f"OU=Sales\\, North & \\22East\\22,{staff}")
    team = ou(f"OU=Team \\#1 \\+ 2\\\\3\\; x\\=y,{sales}")
    zurich = ou(f"OU=Zürich,{staff}")
    empty = ou(f"OU=Empty,{base}")
    ada = user("Ada Lovelace", staff, "ada", mobile="+44 7700 900123", preferredLanguage="cy-GB", displayName="Ada Lovelace", givenName="Ada")
    bob = user("Bob", sales, "bob", telephoneNumber="07700 900124")
    cyd = user("Cyd", team, "cyd", mobile="+447700900125", otherMobile=["+447700900126", "+447700900127"], telephoneNumber="020 7946 0000")
    dee = user("Dee (left)", staff, "dee", uac=514, mobile="+447700900128")
    zoe = user("Müller\\, Zoë", zurich, "zoë", mobile="+41 44 668 18 00", preferredLanguage="de-CH")
    par = user("Par (en) *", staff, "par(en)", mobile="+447700900129")
    old = user("Expired", staff, "expired", mobile="+447700900130", accountExpires="132223104000000000")
    svc = user("svc-textsender", f"OU=Service,{base}", "svc-textsender", uac=512 | 65536, password="Svc-passw0rd!")
    own = user("Self", staff, "selfwriter", uac=512, password="Self-passw0rd!", mobile="+447700900131")
    inner = group("G-Inner", [ada]); middle = group("G-Middle", [inner]); outer = group("G-Outer", [middle])
    vpn = group("VPN", [bob, cyd], gtype=-2147483644)          # domain local
    uni = group("Universal", [zoe], gtype=-2147483640)
    lst = group("Distribution", [ada], gtype=2)                # not a security group: never in a token
    group("A\\, b \\+ c", [cyd], sam="abc")
    read = "(A;CI;RPLCLORC;;;AU)"
    g_all = gpo("11111111-0000-4000-8000-000000000001", "Textsender Everyone")
    g_staff = gpo("11111111-0000-4000-8000-000000000002", "Textsender Staff")
    g_filter = gpo("11111111-0000-4000-8000-000000000003", "Textsender Filtered",
                   read + f"(A;CI;RPLCLORC;;;{sid(outer)})(OA;CI;CR;{APPLY};;{sid(outer)})")
    g_deny = gpo("11111111-0000-4000-8000-000000000004", "Textsender Not VPN",
                 f"(OD;CI;CR;{APPLY};;{sid(vpn)})" + read + f"(OA;CI;CR;{APPLY};;AU)")
    g_hidden = gpo("11111111-0000-4000-8000-000000000005", "Textsender Hidden",      # nobody but the group may read it
                   f"(A;CI;RPLCLORC;;;{sid(outer)})(OA;CI;CR;{APPLY};;{sid(outer)})")
    g_off = gpo("11111111-0000-4000-8000-000000000006", "Textsender User half off", flags=1)
    g_wmi = gpo("11111111-0000-4000-8000-000000000007", "Textsender WMI", gPCWQLFilter=f"[{realm};{{22222222-0000-4000-8000-000000000001}};0]")
    gone = f"CN={{11111111-0000-4000-8000-0000000000FF}},CN=Policies,CN=System,{base}"
    ddp = f"CN={{31B2F340-016D-11D2-945F-00C04FB984F9}},CN=Policies,CN=System,{base}"
    link(base, (ddp, 0), (g_all, 0))
    link(staff, (g_staff, 0), (g_filter, 0), (g_deny, 2))
    link(sales, (g_staff, 1), (g_hidden, 0), (gone, 0))
    link(team, (g_off, 0), (g_wmi, 3))
    link(zurich, (g_staff, 0), options=1)
    link(empty, raw=" ")                                        # what GPMC leaves when the last link is taken away
    for i in range(bulk):
        o = ou(f"OU=Bulk {i:05},OU=Empty,{base}"); link(o, (g_staff, 0))
        user(f"User {i:05}", o, f"user{i:05}", mobile=f"+4477009{i:05}")
    db.transaction_commit()

if __name__ == "__main__": fill()
