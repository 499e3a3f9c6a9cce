/** Whether an `Accept` header allows an answer of this type (RFC 9110, section 12.5.1). A missing header allows all. */
export function accepts(header: string | undefined, type: 'application/json' | 'text/event-stream'): boolean {
  if (header === undefined) return true;
  const ranges = header.split(',').map((range) => range.split(';', 1)[0]?.trim().toLowerCase());
  return ranges.some((range) => range === type || range === '*/*' || range === `${type.split('/', 1)[0]}/*`);
}
