import { tools } from '../src/tools/all-tools.ts';

/** The diagnostic that is measured, and what its statement is sent with when nothing but the defaults is asked for. */
export interface DiagnosticStatement {
  readonly tool: string;
  readonly text: string;
  readonly values: readonly unknown[];
}

const NAME = 'unused_indexes';

/** One index that nobody scans, and large enough to be told of: the answer has one row. */
export const SHOP = `
  create table orders (id int primary key, note text);
  insert into orders select i, md5(i::text) from generate_series(1, 40000) i;
  create index orders_note_idx on orders (note);
  analyze orders`;

/** As many tables as an application of some size has, with two small indexes beside the primary key. */
export const HUNDRED_TABLES = `
  do $$ begin
    for i in 1..100 loop
      execute format('create table t%s (id int primary key, a int, b text)', i);
      execute format('create index on t%s (a)', i);
      execute format('create index on t%s (b)', i);
    end loop;
  end $$`;

export function diagnosticStatement(): DiagnosticStatement {
  const tool = tools.find(({ name }) => name === NAME);
  const statement = tool?.statements.at(-1);
  if (!tool || !statement) throw new Error(`there is no ${NAME}`);
  const inputs: Record<string, unknown> = { ...tool.input.parse({}), estimate_sizes: false };
  inputs['limit'] = Number(inputs['limit']) + 1;
  return { tool: tool.name, text: statement.text, values: statement.params.map((name) => inputs[name] ?? null) };
}
