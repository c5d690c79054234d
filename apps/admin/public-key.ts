/** The public half of the key that certificates are signed with, in PEM. */
export class PublicKey {
  constructor(readonly pem: string) {}
}
