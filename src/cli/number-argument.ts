/** What is no number stays text, for the schema to refuse by name; nothing where nothing was given. */
export function numberArgument(name: string, text: string | undefined): Record<string, number | string> {
  return text === undefined ? {} : { [name]: /^\d+$/.test(text) ? Number(text) : text };
}
