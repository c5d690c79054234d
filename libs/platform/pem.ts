/** @returns the blocks of a PEM file (RFC 7468) that have this label, such as `CERTIFICATE` */
export function pemBlocks(text: string, label: string): string[] {
  const begin = `-----BEGIN ${label}-----`;
  return text.split(/(?=-----BEGIN )/).filter((block) => block.startsWith(begin));
}
