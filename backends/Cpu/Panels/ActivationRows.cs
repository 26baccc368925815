namespace HeteroQwen.Backends.Cpu.Panels;

/// <summary>How a product reads its activations.</summary>
internal enum ActivationForm
{
    /// <summary>As they are.</summary>
    F32,

    /// <summary>Rounded to nearest even.</summary>
    BF16,

    /// <summary>int8 with one f32 scale for each 32: code = round(x * 127 / max |x|), to nearest even.</summary>
    Int8,
}

/// <summary>
/// Activations [rows, K] in the form that a product reads, K filled up with zeros to a multiple of 32. One record of
/// <see cref="RowBytes"/> bytes a row, so that a row moves by one copy and every address in a kernel is the record's plus a constant:
/// <code>
/// F32   f32[Kp]
/// BF16  bf16[Kp]
/// Int8  s8 codes[Kp] | f32 scales[Kp/32] | f32 shifts[Kp/32] | i32 sums32[Kp/32] | i32 sums16[Kp/16]
///       sums: minus the sum of the codes of each 32, and of each 16; shifts: scale times the sum of the codes of each 32
/// </code>
/// Records start at multiples of 64 bytes.
/// </summary>
internal readonly unsafe struct ActivationRows(ActivationForm form, long length, int rows, byte* data)
{
    /// <summary>Elements that share a scale.</summary>
    public const int Group = 32;

    private const int Alignment = 64;

    public readonly ActivationForm Form = form;

    /// <summary>K, without the filling.</summary>
    public readonly long Length = length;

    public readonly int Rows = rows;

    public readonly byte* Data = data;

    public byte* Row(long row) => Data + (row * RowBytes(Form, Length));

    public ActivationRows Slice(int first, int count) => new(Form, Length, count, Row(first));

    public static long Padded(long length) => checked(length + Group - 1) / Group * Group;

    /// <summary>Bytes from one row to the next.</summary>
    /// <exception cref="OverflowException">They cannot be counted.</exception>
    public static long RowBytes(ActivationForm form, long length)
    {
        long padded = Padded(length);
        long bytes = form switch
        {
            ActivationForm.F32 => checked(padded * sizeof(float)),
            ActivationForm.BF16 => checked(padded * sizeof(ushort)),
            _ => checked(padded + (padded / Group * (sizeof(float) + sizeof(float) + sizeof(int) + (2 * sizeof(int))))),
        };
        return checked(bytes + Alignment - 1) / Alignment * Alignment;
    }

    public static long ScalesOffset(long length) => Padded(length);

    public static long ShiftsOffset(long length) => ScalesOffset(length) + (Padded(length) / Group * sizeof(float));

    public static long Sums32Offset(long length) => ShiftsOffset(length) + (Padded(length) / Group * sizeof(float));

    public static long Sums16Offset(long length) => Sums32Offset(length) + (Padded(length) / Group * sizeof(int));
}
