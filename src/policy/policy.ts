import type { AccessClass } from '../contract/access-class.ts';
import type { MaskName, PurposeRule } from '../contract/persona.ts';
import type { Principal } from '../contract/principal.ts';
import type { DataPattern } from './data-pattern.ts';

/** Who may do what: the personas in force, compiled and unchanging. */
export interface Policy {
  /** The first 16 hexadecimal digits of a SHA-256 over all personas; equal rules have equal versions. */
  readonly version: string;
  /**
   * What the credential of the principal leaves of its persona; the same object for as long as both are in force.
   * undefined, and so no right at all, if no persona is for the principal or several claim it with equal priority.
   */
  personaFor(principal: Principal): CompiledPersona | undefined;
  /** The names of those of the highest priority that are for the principal; `personaFor` wants exactly one. */
  contenders(principal: Principal): readonly string[];
  /** In the order of their names. */
  personas(): readonly CompiledPersona[];
  /** The grants that count for the principal now, in place of its roles. */
  grants(principal: Principal): readonly Grant[];
}

/** Another persona for a while: for one caller, or for all with a role. */
export interface Grant {
  /** UUIDv7. */
  readonly id: string;
  /** Of one caller; null for a role. */
  readonly issuer: string | null;
  readonly subject: string | null;
  readonly role: string | null;
  readonly persona: string;
  /** ISO 8601, as `until`. */
  readonly at: string;
  readonly until: string;
  readonly author: string;
  readonly reason: string;
}

export interface CompiledPersona {
  readonly name: string;
  /** By which the caller has it, in place of its own. */
  readonly grant?: string;
  /** That choose it, normalised. */
  readonly roles: ReadonlySet<string>;
  readonly priority: number;
  readonly limits: CompiledLimits;
  /** Which login of a server runs the caller's own SQL. */
  readonly login: string | undefined;
  /** What a model is told beside what Howdah tells it. */
  readonly instructions: string | undefined;
  readonly purpose: PurposeRule;
  /** The canonical operation: aliases are resolved before. */
  operation(operation: OperationFacts): Decision;
  server(name: string): Decision;
  /** Denied too where the server is. */
  database(server: string, database: string): Decision;
  /** Undefined where it has no such rule. */
  readonly data: DataRules | undefined;
  readonly dataGrants: DataGrants;
}

/** What SQL of the caller's own may use although it is refused otherwise; the same in every database. */
export interface DataGrants {
  /** As in DataRules. */
  readonly canonical: string;
  readonly relations: readonly DataPattern[];
  /** The part for a table names a function. */
  readonly functions: readonly DataPattern[];
  /** A view over hidden data, or a foreign table. */
  relation(schema: string, name: string): Decision;
  /** A function of the database's users. */
  function(schema: string, name: string): Decision;
}

/** What of a database a persona may not see; the same in every database that it may reach. */
export interface DataRules {
  /** What they mean, however they are written: equal for equal rules. */
  readonly canonical: string;
  readonly denied: readonly DataPattern[];
  readonly masked: readonly DataPattern[];
  /** Denied where one rule denies all of it. */
  schema(schema: string): DataDecision;
  relation(schema: string, table: string): DataDecision;
  /** Denied too where the relation is. */
  column(schema: string, table: string, column: string): DataDecision;
}

export type DataDecision =
  | { readonly access: 'visible' }
  /** By a rule such as `personas.analyst.data.deny[0] "hr.*"`. */
  | { readonly access: 'denied'; readonly rule: string }
  | { readonly access: 'masked'; readonly mask: MaskName; readonly rule: string };

/** What rules about tools look at. */
export interface OperationFacts {
  readonly name: string;
  readonly area: string;
  readonly accessClass: AccessClass;
}

export interface CompiledLimits {
  /** Of one answer. */
  readonly rows: number;
  /** Of one answer as JSON. */
  readonly bytes: number;
  /** Of one call. */
  readonly timeoutMs: number;
  /** Of one principal. */
  readonly callsPerMinute: number;
  /** Of one principal. */
  readonly concurrent: number;
  /** Of one answer, estimated; Infinity for no bound. */
  readonly outputTokens: number;
  /** Of one principal in a day of UTC; Infinity for no bound. */
  readonly rowsPerDay: number;
  /** Of one statement of the caller's own; Infinity for no bound. */
  readonly planCost: number;
}

export interface Decision {
  readonly allowed: boolean;
  /**
   * `personas.analyst.tools.deny[0] "class:query"`, `no rule of personas.analyst.tools.allow matches` or
   * `no rule of auth.api_keys[0].tools matches`.
   */
  readonly rule: string;
}
