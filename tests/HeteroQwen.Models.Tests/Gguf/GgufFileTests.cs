using HeteroQwen.Ir;
using HeteroQwen.TestSupport;
using static HeteroQwen.TestSupport.GgufWriter;

namespace HeteroQwen.Models.Tests;

public sealed class GgufFileTests
{
    private const uint F32 = 0;

    /// <summary>Four elements: 16 bytes, padded to 32.</summary>
    private static Tensor Small(string name) => new(name, [4], F32, new byte[16]);

    /// <summary>A type and the bytes of a value, for what no C# value stands for.</summary>
    private static byte[] Typed(uint type, params object[] parts) => [.. BitConverter.GetBytes(type), .. parts.SelectMany(Raw)];

    private static byte[] Raw(object part) => part as byte[] ?? Payload(part);

    private static void AssertRefused(byte[] bytes, params string[] words)
    {
        using TempFolder folder = new();
        string path = folder.Write("x.gguf", bytes);
        Sentence.AssertNames(Assert.Throws<UserErrorException>(() => GgufFile.Open(path).Dispose()), ["x.gguf", .. words]);
    }

    private static void AssertRefused(GgufWriter writer, params string[] words) => AssertRefused(writer.ToBytes(), words);

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    [InlineData(64)]
    [InlineData(4096)]
    public unsafe void Open_gives_values_and_tensors_whatever_the_alignment(int alignment)
    {
        using TempFolder folder = new();
        GgufWriter writer = new() { Alignment = alignment };
        writer.Set("general.alignment", (uint)alignment).Set("a", "é").Set("list", new[] { "x", "" }).Set("none", Array.Empty<int>());
        writer.Set("deep", new[] { new[] { 1, 2 }, [3] }).Set("small", (sbyte)-3);
        writer.Set("large", ulong.MaxValue).Set("half", 0.5).Set("eps", 1e-6f);
        byte[] data = [.. Enumerable.Range(0, 24).Select(i => (byte)i)];
        writer.Add(new Tensor("w", [2, 3], F32, data), new Tensor("q", [32, 2], 8, new byte[68]));
        using GgufFile file = GgufFile.Open(folder.Write("x.gguf", writer.ToBytes()));
        Assert.Equal(3, file.Version);
        Assert.Equal("é"u8, file.Utf8(file.Metadata["a"]));
        Assert.Equal([1, 0], file.Items(file.Metadata["list"]).Select(i => i.Count));
        Assert.Empty(file.Items(file.Metadata["none"]));
        GgufValue deep = file.Metadata["deep"];
        Assert.Equal((GgufType.Array, GgufType.Array, 2), (deep.Type, deep.Item, deep.Count));
        Assert.Equal(-3, file.Integer(file.Metadata["small"]));
        Assert.Equal(ulong.MaxValue, file.Integer(file.Metadata["large"]));
        Assert.Equal((0.5, 1e-6), (file.Real(file.Metadata["half"]), file.Real(file.Metadata["eps"])));
        GgufTensor w = file.Tensors["w"];
        Assert.Equal(("f32", ElementType.F32, 24), (w.Type, w.Element, w.Length));
        Assert.Equal([2, 3], w.Dims);
        ByteRange range = file.Range(w);
        Assert.Equal(data, new ReadOnlySpan<byte>((void*)range.Address, 24).ToArray());
        Assert.Equal(68, file.Tensors["q"].Length);
    }

    [Fact]
    public void Open_each_truncation_is_refused()
    {
        GgufWriter writer = new GgufWriter().Set("a", "text").Set("list", new[] { "x", "y" }).Set("n", 1.5f).Add(Small("w"), Small("v"));
        byte[] bytes = writer.ToBytes();
        for (int length = 0; length < bytes.Length; length++)
        {
            AssertRefused(bytes[..length]);
        }
    }

    [Fact]
    public void Open_wrong_magic_version_or_byte_order_is_a_sentence()
    {
        AssertRefused([.. "GGML"u8, .. new byte[40]], "GGUF");
        AssertRefused(new GgufWriter { Version = 1 }, "version 1");
        AssertRefused(new GgufWriter { Version = 4 }, "version 4");
        AssertRefused(new GgufWriter { Version = 3u << 24 }, "big-endian");
    }

    [Theory]
    [InlineData(ulong.MaxValue)]
    [InlineData(1ul << 63)]
    [InlineData(1ul << 32)]
    [InlineData(1000ul)]
    public void Open_absurd_counts_and_lengths_are_refused(ulong claimed)
    {
        AssertRefused(new GgufWriter { TensorCount = claimed }.Add(Small("w")), "tensors", claimed.ToString());
        AssertRefused(new GgufWriter { KeyCount = claimed }.Set("a", 1), "metadata", claimed.ToString());
        AssertRefused(new GgufWriter().Add("a", Typed(8, claimed)), "value of a", claimed.ToString());
        AssertRefused(new GgufWriter().Add("a", Typed(9, 4u, claimed)), "value of a", claimed.ToString());
        AssertRefused(new GgufWriter().Add("a", Typed(9, 8u, claimed)), "value of a", claimed.ToString());
        AssertRefused(new GgufWriter().Add("a", Typed(9, 8u, 1ul, claimed)), "value of a", claimed.ToString());
        AssertRefused(new GgufWriter().Add("a", Typed(9, 9u, claimed)), "value of a", claimed.ToString());
    }

    [Fact]
    public void Open_deep_or_unknown_types_are_refused()
    {
        object[] deep = [.. Enumerable.Repeat<object[]>([9u, 1ul], 100_000).SelectMany(p => p)];
        AssertRefused(new GgufWriter().Add("a", Typed(9, deep)), "value of a", "nested");
        AssertRefused(new GgufWriter().Add("a", Typed(13, 1)), "value of a", "type 13");
        AssertRefused(new GgufWriter().Add("a", Typed(9, 99u, 0ul)), "value of a", "type 99");
    }

    [Fact]
    public void Open_bad_names_are_refused()
    {
        AssertRefused(new GgufWriter().Set("", 1), "key 0", "1 to");
        AssertRefused(new GgufWriter().Set(new string('k', 65536), 1), "key 0", "65535");
        AssertRefused(new GgufWriter().Add("a", Typed(5, 1)).Add("a", Typed(5, 1)), "key a", "twice");
        AssertRefused(new GgufWriter().Add(Small("")), "name of tensor 0");
        AssertRefused(new GgufWriter().Add(Small(new string('t', 65))), "name of tensor 0", "64");
        AssertRefused(new GgufWriter().Add(Small("w"), Small("w")), "tensor w", "twice");
        byte[] bytes = new GgufWriter().Set("abcd", 1).ToBytes();
        bytes[bytes.AsSpan().IndexOf("abcd"u8)] = 0xff;
        AssertRefused(bytes, "key 0", "UTF-8");
    }

    [Theory]
    [InlineData(new ulong[] { })]
    [InlineData(new ulong[] { 0 })]
    [InlineData(new ulong[] { 4, 0 })]
    [InlineData(new ulong[] { 1, 1, 1, 1, 4 })]
    [InlineData(new ulong[] { ulong.MaxValue })]
    [InlineData(new[] { 1ul << 32, 1ul << 32 })]
    [InlineData(new[] { 1ul << 40, 1ul << 40, 1ul << 40, 1ul << 8 })]
    [InlineData(new ulong[] { 5 })]
    [InlineData(new[] { 1ul << 55 })]
    public void Open_wrong_dims_name_the_tensor(ulong[] dims) =>
        AssertRefused(new GgufWriter().Add(new Tensor("w", dims, F32, new byte[16])), "tensor w");

    [Theory]
    [InlineData(3u, 31u, "blocks of 32")]
    [InlineData(12u, 128u, "blocks of 256")]
    [InlineData(4u, 32u, "type 4")]
    [InlineData(31u, 32u, "type 31")]
    [InlineData(4000000000u, 32u, "type 4000000000")]
    public void Open_wrong_type_or_row_names_the_tensor(uint type, uint row, string word) =>
        AssertRefused(new GgufWriter().Add(new Tensor("w", [row], type, new byte[4096])), "tensor w", word);

    [Fact]
    public void Open_wrong_places_name_the_tensor()
    {
        AssertRefused(new GgufWriter().Add(Small("w"), Small("v") with { Offset = 0 }), "overlaps", "tensor v", "tensor w");
        AssertRefused(new GgufWriter().Add(new Tensor("w", [12], F32, new byte[48]), Small("v") with { Offset = 32 }), "overlaps");
        AssertRefused(new GgufWriter().Add(Small("w") with { Offset = 16 }), "tensor w", "alignment, 32");
        foreach (ulong offset in (ulong[])[32, 1ul << 40, ulong.MaxValue - 31, 1ul << 63])
        {
            AssertRefused(new GgufWriter().Add(Small("w") with { Offset = offset }), "tensor w", "inside");
        }
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(3u)]
    [InlineData(96u)]
    public void Open_alignment_that_is_no_power_of_two_is_refused(uint alignment) =>
        AssertRefused(new GgufWriter().Set("general.alignment", alignment).Add(Small("w")), "general.alignment");

    [Fact]
    public void Open_alignment_of_another_type_or_beyond_the_file_is_refused()
    {
        AssertRefused(new GgufWriter().Set("general.alignment", 32ul).Add(Small("w")), "general.alignment");
        AssertRefused(new GgufWriter().Set("general.alignment", 1u << 31).Add(Small("w")), "tensor w");
    }

    [Fact]
    public void Open_missing_file_or_folder_is_a_sentence()
    {
        using TempFolder folder = new();
        foreach (string path in (string[])[folder.File("none.gguf"), folder.Path])
        {
            Sentence.AssertNames(Assert.Throws<UserErrorException>(() => GgufFile.Open(path)), path);
        }
    }

    // The dearest headers per byte: many keys and many tensors with the shortest entries.
    [Fact]
    public void Open_many_tiny_entries_allocates_in_proportion()
    {
        using TempFolder folder = new();
        GgufWriter writer = new();
        for (int i = 0; i < 60_000; i++)
        {
            writer.Add(i.ToString("x"), [0, 0, 0, 0, 7]);
            writer.Add(new Tensor(i.ToString("x"), [1], 24, [7]));
        }

        byte[] bytes = writer.ToBytes();
        string path = folder.Write("x.gguf", bytes);
        long before = GC.GetAllocatedBytesForCurrentThread();
        using GgufFile file = GgufFile.Open(path);
        Assert.Equal((60_000, 60_000), (file.Metadata.Count, file.Tensors.Count));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 20L * bytes.Length);
    }
}
