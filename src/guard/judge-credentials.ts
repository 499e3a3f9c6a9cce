import type { References } from './references.ts';
import { refuseRelation } from './relation-rules.ts';
import { CREDENTIAL_CATALOGUES } from './system-relations.ts';
import type { Refusal } from './verdict.ts';

const SYSTEM_SCHEMAS: ReadonlySet<string | undefined> = new Set([undefined, 'pg_catalog', 'information_schema']);

/** Why the statement may not name one of them; a relation of users that has such a name needs its schema. */
export function refuseCredentials({ relations }: References): Refusal | undefined {
  const found = relations.find(({ schema, name }) => SYSTEM_SCHEMAS.has(schema) && CREDENTIAL_CATALOGUES.has(name));
  return found && refuseRelation('relation/credentials', `The relation ${found.name} holds credentials.`, found.at);
}
