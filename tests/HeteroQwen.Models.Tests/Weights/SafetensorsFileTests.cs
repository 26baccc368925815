using System.Text;
using HeteroQwen.Ir;
using HeteroQwen.TestSupport;
using static HeteroQwen.Models.Tests.SafetensorsBytes;

namespace HeteroQwen.Models.Tests;

public sealed class SafetensorsFileTests
{
    private static readonly string s_ab = $"{{{Entry("a", "F32", "2,1", 0, 8)},{Entry("b", "BF16", "3", 8, 14)}}}";

    private static void AssertRefused(byte[] bytes, params string[] words)
    {
        using TempFolder folder = new();
        string path = folder.Write("weights.safetensors", bytes);
        Sentence.AssertNames(Assert.Throws<UserErrorException>(() => SafetensorsFile.Open(path).Dispose()), [path, .. words]);
    }

    private static byte[] Read(SafetensorsFile file, string name) => GoldenLogits.Read<byte>(file, name);

    [Fact]
    public void Open_gives_types_shapes_and_bytes()
    {
        using TempFolder folder = new();
        using SafetensorsFile file = SafetensorsFile.Open(folder.Write("x.safetensors", Of(s_ab, 14)));
        Assert.Equal(["a", "b"], file.Tensors.Keys.Order());
        Assert.Equal(("F32", "BF16"), (file.Tensors["a"].Type, file.Tensors["b"].Type));
        Assert.Equal([2, 1], file.Tensors["a"].Shape);
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8], Read(file, "a"));
        Assert.Equal([9, 10, 11, 12, 13, 14], Read(file, "b"));
    }

    [Theory]
    [InlineData("{\"__metadata__\":{\"format\":\"pt\"}}", 0, 0)]
    [InlineData("{}   ", 0, 0)]
    [InlineData("{\"s\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}", 4, 1)]
    [InlineData("""{"z":{"dtype":"I8","shape":[0],"data_offsets":[0,0]},"s":{"data_offsets":[0,3],"shape":[4],"dtype":"F6_E2M3"}}""", 3, 2)]
    public void Open_accepts_what_the_format_allows(string header, int data, int tensors)
    {
        using TempFolder folder = new();
        using SafetensorsFile file = SafetensorsFile.Open(folder.Write("x.safetensors", Of(header, data)));
        Assert.Equal(tensors, file.Tensors.Count);
    }

    [Fact]
    public void Range_after_dispose_is_refused()
    {
        using TempFolder folder = new();
        SafetensorsFile file = SafetensorsFile.Open(folder.Write("x.safetensors", Of(s_ab, 14)));
        SafetensorsTensor a = file.Tensors["a"];
        file.Dispose();
        file.Dispose();
        Assert.Throws<ObjectDisposedException>(() => file.Range(a));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    public void Open_file_without_a_header_is_refused(int length) => AssertRefused(new byte[length], "shorter");

    [Theory]
    [InlineData(ulong.MaxValue)]
    [InlineData(1UL << 63)]
    [InlineData(100_000_001UL)]
    [InlineData(1000UL)]
    public void Open_header_that_overclaims_is_refused(ulong claimed) => AssertRefused(Of(s_ab, 14, claimed), claimed.ToString());

    [Fact]
    public void Open_truncated_data_names_the_tensor() => AssertRefused(Of(s_ab, 13), "tensor b", "truncated");

    [Fact]
    public void Open_bytes_after_the_last_tensor_are_refused() => AssertRefused(Of(s_ab, 15), "1 bytes at the end");

    [Theory]
    [InlineData("0,8", "4,10", "overlaps", "tensor a", "tensor b")]
    [InlineData("0,8", "0,6", "overlaps", "tensor a", "tensor b")]
    [InlineData("0,8", "9,15", "before tensor b")]
    [InlineData("1,9", "9,15", "before tensor a")]
    [InlineData("8,0", "8,14", "tensor a", "before it begins")]
    [InlineData("0,7", "8,14", "tensor a", "8 bytes")]
    [InlineData("0,8", "8,9223372036854775807", "tensor b", "9223372036854775807")]
    [InlineData("0,8", "8,9223372036854775808", "tensor b", "data_offsets")]
    [InlineData("0,8", "-8,14", "tensor b", "data_offsets")]
    [InlineData("0,8", "8.5,14", "tensor b", "data_offsets")]
    [InlineData("0,8", "8", "tensor b", "data_offsets")]
    [InlineData("0,8", "8,14,15", "tensor b", "data_offsets")]
    public void Open_wrong_offsets_name_the_tensor(string a, string b, params string[] words)
    {
        const string Header =
            """{"a":{"dtype":"F32","shape":[2],"data_offsets":[A]},"b":{"dtype":"BF16","shape":[3],"data_offsets":[B]}}""";
        AssertRefused(Of(Header.Replace("[A]", $"[{a}]").Replace("[B]", $"[{b}]"), 16), words);
    }

    [Theory]
    [InlineData("4294967296,4294967296,4294967296", "absurd")]
    [InlineData("9223372036854775807,9223372036854775807,0", "absurd")]
    [InlineData("3", "12 bytes")]
    [InlineData("-2", "shape")]
    [InlineData("2e0", "shape")]
    [InlineData("[2]", "shape")]
    [InlineData("1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,2", "shape")]
    public void Open_wrong_shape_names_the_tensor(string shape, string word) =>
        AssertRefused(Of($"{{{Entry("bad", "F32", shape, 0, 8)}}}", 8), "bad", word);

    [Theory]
    [InlineData("{\"w\":{\"dtype\":\"Q99\",\"shape\":[],\"data_offsets\":[0,4]}}", "tensor w", "Q99")]
    [InlineData("{\"w\":{\"dtype\":7,\"shape\":[],\"data_offsets\":[0,4]}}", "dtype of w")]
    [InlineData("{\"w\":{\"shape\":[],\"data_offsets\":[0,4]}}", "tensor w", "dtype")]
    [InlineData("{\"w\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}", "tensor w", "dtype")]
    [InlineData("{\"w\":{\"dtype\":\"F32\",\"strides\":[],\"shape\":[],\"data_offsets\":[0,4]}}", "tensor w", "strides")]
    [InlineData("{\"w\":[]}", "of w")]
    [InlineData("{\"w\":{\"dtype\":\"F32\",\"shape\":{},\"data_offsets\":[0,4]}}", "shape of w")]
    [InlineData("""{"w":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"w":{"dtype":"U8","shape":[0],"data_offsets":[4,4]}}""", "twice")]
    [InlineData("{\"w\\u001b\\ud83d\\ude00\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,4]}}", "tensor w???")]
    [InlineData("{\"__metadata__\":{\"format\":1}}", "__metadata__")]
    [InlineData("{\"__metadata__\":\"pt\"}", "__metadata__")]
    [InlineData("{\"\\ud800\":{}}", "JSON")]
    [InlineData("[]", "header")]
    [InlineData("{} {}", "JSON")]
    [InlineData("{\"w\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}", "JSON")]
    [InlineData("", "JSON")]
    public void Open_malformed_header_is_a_sentence(string header, params string[] words) => AssertRefused(Of(header, 4), words);

    [Fact]
    public void Open_header_that_is_no_utf8_is_a_sentence()
    {
        byte[] bytes = Of(s_ab, 14);
        bytes[10] = 0xff;
        AssertRefused(bytes, "JSON");
    }

    [Fact]
    public void Open_missing_file_folder_or_dangling_link_is_a_sentence()
    {
        using TempFolder folder = new();
        File.CreateSymbolicLink(folder.File("link.safetensors"), folder.File("gone"));
        foreach (string path in (string[])[folder.File("none.safetensors"), folder.Path, folder.File("link.safetensors")])
        {
            Sentence.AssertNames(Assert.Throws<UserErrorException>(() => SafetensorsFile.Open(path)), path);
        }
    }

    // The dearest headers per byte: many tensors with the shortest entries.
    [Fact]
    public void Open_header_of_many_tiny_tensors_allocates_in_proportion()
    {
        using TempFolder folder = new();
        StringBuilder header = new("{");
        for (int i = 0; i < 200_000; i++)
        {
            header.Append(i == 0 ? "" : ",").Append($"\"{i:x}\":{{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}");
        }

        byte[] bytes = SafetensorsBytes.Of(header.Append('}').ToString(), 0);
        string path = folder.Write("x.safetensors", bytes);
        long before = GC.GetAllocatedBytesForCurrentThread();
        using SafetensorsFile file = SafetensorsFile.Open(path);
        Assert.Equal(200_000, file.Tensors.Count);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 20L * bytes.Length);
    }
}
