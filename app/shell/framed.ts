/**
 * Whether the page stands in a frame of another page, where that one could lay its own buttons over ours
 * (clickjacking). Servers that send `frame-ancestors` never let it come to this; static hosts may not.
 */
export function isFramed(view: { readonly self: unknown; readonly top: unknown } = window): boolean {
  return view.top !== view.self;
}
