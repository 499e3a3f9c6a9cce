import type { MaskName } from '../contract/persona.ts';

/** What of a database the caller may see and call, by the rules of its persona. */
export interface DataAccess {
  /** Whether any rule hides or masks anything: then statistics, catalogues and messages could tell what is hidden. */
  readonly hides: boolean;
  relation(schema: string, name: string): Access;
  /** Denied too where the relation is. */
  column(schema: string, relation: string, column: string): Access;
  /** Whether the persona is granted this view over hidden data, or this foreign table, by name. */
  grantsRelation(schema: string, name: string): boolean;
  /** Whether the persona is granted this function of the database's users. */
  grantsFunction(schema: string, name: string): boolean;
}

export type Access =
  | { readonly access: 'visible' }
  | { readonly access: 'denied'; readonly rule: string }
  | { readonly access: 'masked'; readonly mask: MaskName; readonly rule: string };
