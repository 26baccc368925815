using System.Globalization;

namespace HeteroQwen.Ir;

/// <summary>
/// One dimension of a shape: a constant, one of the symbols T, N, B, R, or B+1. A graph is lowered once for the largest
/// value of each symbol and runs for any value up to it.
/// </summary>
/// <remarks>
/// Held as one signed 64-bit number, as it crosses the backend line: a constant is itself, the symbols are negative
/// (<c>HQ_DIM_T</c> = -1 and so on in <c>heteroqwen_backend.h</c>).
/// </remarks>
public readonly record struct Dim
{
    private static readonly string[] s_symbols = ["T", "N", "B", "R", "B+1"];

    private Dim(long code) => Code = code;

    /// <summary>The constant if not negative, else the symbol's number.</summary>
    public long Code { get; }

    /// <summary>Tokens of this step.</summary>
    public static Dim T { get; } = new(-1);

    /// <summary>KV entries seen in this step, over all sequences.</summary>
    public static Dim N { get; } = new(-2);

    /// <summary>Sequences of this step.</summary>
    public static Dim B { get; } = new(-3);

    /// <summary>Rows whose logits are wanted.</summary>
    public static Dim R { get; } = new(-4);

    /// <summary>B+1: the length of a list of starts.</summary>
    public static Dim BPlus1 { get; } = new(-5);

    public bool IsConstant => Code >= 0;

    /// <summary>The constant's value.</summary>
    /// <exception cref="InvalidOperationException">The dimension is a symbol.</exception>
    public long Constant => IsConstant ? Code : throw new InvalidOperationException($"dimension {this} is not a constant");

    public static implicit operator Dim(long constant) =>
        constant >= 0 ? new(constant) : throw new ArgumentOutOfRangeException(nameof(constant), constant, "a dimension is not negative");

    public static Dim FromInt64(long constant) => constant;

    /// <summary>The dimension whose <see cref="Code"/> is given.</summary>
    public static Dim FromCode(long code) =>
        code >= -s_symbols.Length ? new(code) : throw new ArgumentOutOfRangeException(nameof(code), code, "no such symbol");

    /// <summary>The dimension's value when the symbols are bound.</summary>
    public long Resolve(in Bindings bindings) => Code switch
    {
        >= 0 => Code,
        -1 => bindings.T,
        -2 => bindings.N,
        -3 => bindings.B,
        -4 => bindings.R,
        _ => bindings.B + 1,
    };

    /// <summary>Reads a dimension as <see cref="ToString"/> writes it.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out Dim dim)
    {
        for (int i = 0; i < s_symbols.Length; i++)
        {
            if (text.SequenceEqual(s_symbols[i]))
            {
                dim = new(-1 - i);
                return true;
            }
        }

        bool ok = long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long constant);
        dim = new(ok ? constant : 0);
        return ok;
    }

    public override string ToString() => IsConstant ? Code.ToString(CultureInfo.InvariantCulture) : s_symbols[-1 - Code];
}
