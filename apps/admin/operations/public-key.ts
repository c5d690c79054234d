/** The public key that verifies certificates, in PEM. */
export class PublicKey {
  constructor(readonly pem: string) {}
}
