/** Answer to anything that failed. */
export interface Refusal {
  reason: string
  /** The field that was at fault, and what is wrong with it. */
  field?: string
  error?: string
}
