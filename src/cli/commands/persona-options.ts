/** Why personas and grants are changed. */
export const REASON = {
  reason: { type: 'string', value: '<text>', description: 'Why, for those who look at it later' },
} as const;

/** What goes with every version of a persona that is written. */
export const CHANGE = {
  ...REASON,
  'if-version': { type: 'string', value: '<number>', description: 'Only if this version is in force; 0 for none' },
} as const;
