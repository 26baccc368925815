using System.Runtime.InteropServices;
using HeteroQwen.Ir;
using HeteroQwen.Models;

namespace HeteroQwen.Conformance;

/// <summary>A small model with random weights, and what float64 computes for one text.</summary>
/// <param name="Tokens">The text.</param>
/// <param name="Rows">The positions whose logits are known.</param>
/// <param name="Logits">Logits of those positions: the network in float64 throughout.</param>
/// <param name="Greedy">How the text goes on.</param>
internal sealed record GoldenModel(int[] Tokens, int[] Rows, double[][] Logits, int[] Greedy)
{
    public const string DenseName = "dense-tied-f32";
    public const string OutlierName = "dense-outlier-f32";
    public const string LongName = "dense-long-f32";
    public const string YarnName = "dense-yarn-f32";
    public const string MoeName = "moe-f32";

    /// <summary>The text and its continuation.</summary>
    public int[] Whole => [.. Tokens, .. Greedy];

    /// <summary>The folder of a golden model, beside the program.</summary>
    public static string PathOf(string name) => Path.Combine(AppContext.BaseDirectory, "golden", name);

    /// <exception cref="UserErrorException">The files are missing or damaged.</exception>
    public static GoldenModel Load(string name)
    {
        using SafetensorsFile file = SafetensorsFile.Open(Path.Combine(PathOf(name), "golden.safetensors"));
        double[] logits = Read<double>(file, "logits64");
        int vocab = checked((int)file.Tensors["logits64"].Shape[1]);
        return new GoldenModel(Ints(file, "tokens"), Ints(file, "rows"), [.. logits.Chunk(vocab)], Ints(file, "greedy"));
    }

    private static int[] Ints(SafetensorsFile file, string name) => [.. Read<long>(file, name).Select(v => checked((int)v))];

    private static unsafe T[] Read<T>(SafetensorsFile file, string name)
        where T : unmanaged
    {
        ByteRange range = file.Range(file.Tensors[name]);
        T[] values = new T[range.Length / sizeof(T)];
        new ReadOnlySpan<byte>((void*)range.Address, checked((int)range.Length)).CopyTo(MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }
}
