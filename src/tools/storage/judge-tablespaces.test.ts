import { expect, it } from 'vitest';
import { judgeTablespaces, namesIn, unmeasuredTablespaces } from './judge-tablespaces.ts';
import type { Placement, Tablespace } from './tablespace-row.ts';

const row: Tablespace = {
  tablespace: 'Fast One',
  owner: 'postgres',
  location: '/srv/fast',
  size: 1,
  options: null,
  databases: 0,
  tables: 1,
  indexes: 1,
  database_size: 8192,
  unmeasured: null,
  in_data_directory: false,
};
const placement: Placement = { database_tablespace: 'pg_default', default_tablespace: '', temp_tablespaces: '' };

it.each<[string, Partial<Tablespace>, Partial<Placement>, string[]]>([
  ['an ordinary one', {}, {}, []],
  ['one that is not mounted', { size: null, unmeasured: 'unreadable' }, {}, ['critical "Fast One"']],
  ['one that may not be measured', { size: null, unmeasured: 'right' }, {}, []],
  ['one in the data directory', { in_data_directory: true }, {}, ['warning "Fast One"']],
  ['one whose location is hidden', { in_data_directory: null, location: null }, {}, []],
  ['settings that name it', {}, { default_tablespace: 'Fast One', temp_tablespaces: '"Fast One"' }, []],
  ['a default that is not there', {}, { default_tablespace: 'gone' }, ['notice "default_tablespace"']],
  ['one of a list that is not there', {}, { temp_tablespaces: '"Fast One", Gone' }, ['notice "temp_tablespaces"']],
  ['settings that are hidden', {}, { default_tablespace: null, temp_tablespaces: null }, []],
])('judges %s', (_, more, placed, expected) => {
  const findings = judgeTablespaces([{ ...row, ...more }], { ...placement, ...placed });
  expect(findings.map(({ severity, object }) => `${severity} ${object}`)).toEqual(expected);
});

/** Ends a comment by its line break, and would end a quoted name or constant that is not quoted well. */
const HOSTILE = `x"'\n; DROP TABLE planted; --`;
const runnable = (sql: string) => sql.replaceAll(/'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*/gs, ' ');

it('leaves a hostile name a name', () => {
  const [finding] = judgeTablespaces([{ ...row, tablespace: HOSTILE, unmeasured: 'unreadable' }], placement);
  expect(finding?.next_step).toContain('planted');
  expect(runnable(finding?.next_step ?? '')).not.toContain('planted');
});

it('reads lists of names as PostgreSQL does', () => {
  expect(namesIn('')).toEqual([]);
  expect(namesIn('Plain, "Quoted, with ""quotes""" ,other')).toEqual(['plain', 'Quoted, with "quotes"', 'other']);
});

it('says why sizes are missing', () => {
  const gaps = unmeasuredTablespaces([
    { ...row, unmeasured: 'right' },
    { ...row, tablespace: 'slow', unmeasured: 'time' },
    { ...row, unmeasured: 'unwanted' },
  ]);
  expect(gaps.map(({ what }) => what)).toEqual(['the size of "Fast One"', 'the size of "slow"']);
});
