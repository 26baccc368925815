namespace HeteroQwen.Ir;

/// <summary>Values of the four symbols in one step, or their maxima.</summary>
/// <param name="T">Tokens of the step.</param>
/// <param name="N">KV entries seen in the step.</param>
/// <param name="B">Sequences.</param>
/// <param name="R">Rows whose logits are wanted.</param>
public readonly record struct Bindings(long T, long N, long B, long R)
{
    /// <summary>True if no symbol is negative or exceeds its maximum.</summary>
    public bool Within(in Bindings maxima) =>
        T >= 0 && N >= 0 && B >= 0 && R >= 0 && T <= maxima.T && N <= maxima.N && B <= maxima.B && R <= maxima.R;

    public override string ToString() => $"T={T} N={N} B={B} R={R}";
}
