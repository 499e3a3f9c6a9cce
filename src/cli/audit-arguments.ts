import { AUDIT_FILTERS } from './commands/audit-options.ts';

type Values = Readonly<Record<string, string | boolean | undefined>>;

/** The flags that narrow, as arguments of an operation; `--call-id` is `call_id`. */
export function filterArguments(values: Values): Record<string, string> {
  return Object.fromEntries(
    Object.keys(AUDIT_FILTERS).flatMap((name) => {
      const value = values[name];
      return typeof value === 'string' ? [[name.replaceAll('-', '_'), value]] : [];
    }),
  );
}
