const HEADER = /^[a-z_ -]+$/i;

/**
 * Reads a list of ids: CSV whose first column holds them, with an optional header line. Cells may be quoted.
 *
 * @returns the ids in their order; empty lines are skipped
 */
export function parseIdList(text: string): string[] {
  const cells = text
    .split(/\r?\n/)
    .map(firstCell)
    .filter((cell) => cell !== '');
  return cells[0] !== undefined && HEADER.test(cells[0]) ? cells.slice(1) : cells;
}

function firstCell(line: string): string {
  const cell = line.split(',', 1)[0]?.trim() ?? '';
  return cell.replace(/^"(.*)"$/, '$1').trim();
}
