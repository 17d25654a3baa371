-- What the account may do that textsender connects as: call the functions and read the audit, nothing else.
GRANT USAGE ON SCHEMA textsender TO ROLE_NAME;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA textsender TO ROLE_NAME;
GRANT SELECT ON textsender.decisions, textsender.senders, textsender.meta, textsender.steps,
    textsender.totals, textsender.machines TO ROLE_NAME;
