/** What narrows a reading of the audit log, as flags. */
export const AUDIT_FILTERS = {
  since: { type: 'string', value: '<time>', description: 'From then on: 2h or 7d ago, a date, or an ISO time' },
  until: { type: 'string', value: '<time>', description: 'Before then' },
  principal: { type: 'string', value: '<subject>', description: 'Of this principal only' },
  persona: { type: 'string', value: '<name>', description: 'Under this persona only' },
  operation: { type: 'string', value: '<name>', description: 'Of this operation, area:<area> or class:<class>' },
  server: { type: 'string', value: '<name>', description: 'Of this server only' },
  database: { type: 'string', value: '<name>', description: 'Of this database only' },
  outcome: { type: 'string', value: '<code>', description: 'OK, an error code, failed or denied' },
  decision: { type: 'string', value: '<allow|deny>', description: 'What the rules said' },
  kind: { type: 'string', value: '<kind>', description: 'Such as ended, begun, refused or configuration' },
  transport: { type: 'string', value: '<name>', description: 'stdio, cli or http' },
  client: { type: 'string', value: '<name>', description: 'Of this client program only' },
  address: { type: 'string', value: '<address>', description: 'From this address only' },
  'call-id': { type: 'string', value: '<id>', description: 'Of this call only' },
  'purpose-contains': { type: 'string', value: '<text>', description: 'With this in the purpose' },
  text: { type: 'string', value: '<text>', description: 'With this in the rule, the statement or the purpose' },
} as const;

export const FILES = {
  files: { type: 'boolean', description: 'Read the files of this machine, even where there is a store' },
} as const;

export const CHECKPOINTS = {
  checkpoints: {
    type: 'string',
    value: '<file>',
    description: 'Copy of the signed checkpoints that is kept elsewhere; the file of this machine by default',
  },
} as const;
