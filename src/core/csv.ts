type Cell = string | number | boolean | null;

/** As COPY writes them: nothing for null, and "" for an empty text. https://www.rfc-editor.org/rfc/rfc4180 */
export function csvRecord(cells: readonly Cell[]): string {
  return cells.map(csvCell).join(',');
}

function csvCell(cell: Cell): string {
  if (cell === null) return '';
  const text = String(cell);
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
