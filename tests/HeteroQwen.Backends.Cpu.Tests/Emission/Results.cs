namespace HeteroQwen.Backends.Cpu.Tests.Emission;

/// <summary>Rows of results in memory that was filled with 0x5A before.</summary>
internal static unsafe class Results
{
    public const byte Untouched = 0x5A;

    private const int Columns = 32;

    /// <summary>The columns that the mask has are the expected bits, row by row; all else is untouched.</summary>
    public static void Check(OperandBlock y, int stride, int rows, ulong mask, uint[] expected)
    {
        for (int row = 0; row < rows; row++)
        {
            Span<uint> results = new(y.Data + (row * stride), stride / sizeof(uint));
            for (int n = 0; n < results.Length; n++)
            {
                uint bits = n < Columns && (mask >> n & 1) != 0 ? expected[(row * Columns) + n] : 0x0101_0101u * Untouched;
                Assert.True(bits == results[n], $"{rows} rows, mask {mask:X}: row {row}, column {n}: {results[n]:X}, not {bits:X}");
            }
        }
    }
}
