using System.Runtime.InteropServices;
using HeteroQwen.Models;

namespace HeteroQwen.TestSupport;

/// <summary>What <c>golden.safetensors</c> of a model under <c>tests/Golden/hf</c> says; logits are row by row.</summary>
internal sealed record GoldenLogits(int[] Tokens, int[] Rows, double[] Logits64, int Vocab, int[] Greedy)
{
    public static GoldenLogits Load(string model)
    {
        using SafetensorsFile file = SafetensorsFile.Open(TestData.Path($"hf/{model}/golden.safetensors"));
        int vocab = (int)file.Tensors["logits64"].Shape[1];
        return new GoldenLogits(Ints(file, "tokens"), Ints(file, "rows"), Read<double>(file, "logits64"), vocab, Ints(file, "greedy"));
    }

    public ReadOnlySpan<double> Row(int i) => Logits64.AsSpan(i * Vocab, Vocab);

    private static int[] Ints(SafetensorsFile file, string name) => [.. Read<long>(file, name).Select(v => checked((int)v))];

    /// <summary>A copy of a tensor's bytes, as T.</summary>
    public static unsafe T[] Read<T>(SafetensorsFile file, string name)
        where T : unmanaged
    {
        Ir.ByteRange range = file.Range(file.Tensors[name]);
        T[] values = new T[range.Length / sizeof(T)];
        new ReadOnlySpan<byte>((void*)range.Address, checked((int)range.Length)).CopyTo(MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }
}
