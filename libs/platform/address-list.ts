import { BlockList, isIP } from 'node:net';

/** IP addresses and networks. */
export class AddressList {
  readonly #list = new BlockList();

  private constructor(readonly isEmpty: boolean) {}

  static readonly none = new AddressList(true);

  /**
   * @param entries addresses and networks in CIDR notation, such as `10.0.0.0/8` or `::1`
   * @returns the list, or the first entry that is neither
   */
  static parse(entries: readonly string[]): AddressList | { wrong: string } {
    const list = new AddressList(entries.length === 0);
    const wrong = entries.find((entry) => !list.#add(entry));
    return wrong === undefined ? list : { wrong };
  }

  /** @param address as sockets report it; IPv4 may be mapped into IPv6 (`::ffff:127.0.0.1`) */
  has(address: string | undefined): boolean {
    if (address === undefined || this.isEmpty) return false;
    const plain = address.startsWith('::ffff:') ? address.slice(7) : address;
    const family = isIP(plain);
    return family > 0 && this.#list.check(plain, family === 4 ? 'ipv4' : 'ipv6');
  }

  #add(entry: string): boolean {
    const [address = '', prefix, ...rest] = entry.split('/');
    const family = isIP(address);
    if (family === 0 || rest.length > 0) return false;
    const type = family === 4 ? 'ipv4' : 'ipv6';
    if (prefix === undefined) {
      this.#list.addAddress(address, type);
      return true;
    }
    const bits = /^\d{1,3}$/.test(prefix) ? Number(prefix) : NaN;
    if (!(bits <= (family === 4 ? 32 : 128))) return false;
    this.#list.addSubnet(address, bits, type);
    return true;
  }
}
