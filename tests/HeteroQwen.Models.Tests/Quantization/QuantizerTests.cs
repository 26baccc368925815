using System.Buffers.Binary;
using System.Collections.Immutable;
using HeteroQwen.Ir;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Models.Tests;

/// <summary>Models written as GGUF files in another type, and read back.</summary>
public sealed class QuantizerTests
{
    private const string Wide = "tiny-dense256-f32";

    public static TheoryData<string, string> Everything =>
        [.. BundledModels.Names.SelectMany(m => QuantizationPlan.Types.Select(t => (m, t)))];

    [Theory]
    [MemberData(nameof(Everything))]
    public void Write_gives_a_file_of_the_same_model_in_the_asked_type(string name, string type)
    {
        using TempFolder folder = new();
        using IModelSource original = ModelSource.Open(name);
        (QuantizationPlan plan, ImmutableArray<QuantizedType> summary) = Write(original, folder.File("x.gguf"), type);
        Assert.Equal(["x.gguf"], Directory.EnumerateFileSystemEntries(folder.Path).Select(Path.GetFileName));
        Assert.Equal(plan.FileBytes, new FileInfo(folder.File("x.gguf")).Length);

        using GgufModel written = GgufModel.Open(folder.File("x.gguf"));
        Assert.Empty(written.Warnings);
        Assert.Equal(original.Names, written.Names);
        Assert.Equal(original.Generation.EosTokenIds, written.Generation.EosTokenIds);
        Assert.Equal(original.Config.HiddenSize, written.Config.HiddenSize);
        Assert.True(written.Text.Template.IsKnownTemplate);
        Assert.Equal(original.Text.Template.Text, written.Text.Template.Text);
        Assert.Equal([343, 282, 220], written.Text.RequireTokenizer().Encode(original.Text.RequireTokenizer().Decode([343, 282, 220]), true));
        Assert.Equal(plan.Tensors.Select(t => t.Type), written.Names.Select(n => written.Get(n).Type));
        Assert.Equal(written.Names.Count, summary.Sum(t => t.Tensors));
        Assert.Equal(written.Names.Sum(n => written.Get(n).Bytes), summary.Sum(t => t.Bytes));
        double most = type switch { "f32" => 0, "f16" or "bf16" => 0.003, "q8_0" => 0.01, _ => 0.12 };
        Assert.All(summary, t => Assert.InRange(t.Rmse, 0, most * Math.Max(t.Rms, 1e-3)));
        Assert.All(original.Names, n => Assert.InRange(Distance(original.Get(n), written.Get(n)), 0, most));
    }

    [Theory]
    [InlineData("q8_0")]
    [InlineData("q4_0")]
    public void Write_gives_the_bytes_of_llama_cpps_quantize(string type)
    {
        using TempFolder folder = new();
        using GgufModel original = GgufModel.Open(LlamaCppGolden.PathOf(Wide));
        using GgufModel theirs = GgufModel.Open(LlamaCppGolden.PathOf($"tiny-dense256-{type}"));
        Write(original, folder.File("x.gguf"), type);
        using GgufModel ours = GgufModel.Open(folder.File("x.gguf"));

        // Their file of q4_0 is a pure one, without q6_k for the output.
        string[] same = [.. ours.Names.Where(n => ours.Get(n).Type == theirs.Get(n).Type)];
        Assert.InRange(same.Length, ours.Names.Count - 1, ours.Names.Count);
        AssertSameBytes(theirs, ours, same);
    }

    [Theory]
    [InlineData("q4_k_m")]
    [InlineData("q6_k")]
    public void Write_takes_llama_cpps_mix_and_has_no_more_error(string type)
    {
        using TempFolder folder = new();
        using GgufModel original = GgufModel.Open(LlamaCppGolden.PathOf(Wide));
        using GgufModel theirs = GgufModel.Open(LlamaCppGolden.PathOf($"tiny-dense256-{type}"));
        Write(original, folder.File("x.gguf"), type);
        using GgufModel ours = GgufModel.Open(folder.File("x.gguf"));
        Assert.Equal(theirs.Names.Select(n => theirs.Get(n).Type), ours.Names.Select(n => ours.Get(n).Type));
        double Total(GgufModel model) => original.Names.Sum(n => Math.Pow(Distance(original.Get(n), model.Get(n)), 2));
        Assert.InRange(Math.Sqrt(Total(ours) / Total(theirs)), 0.8, 1.005);
    }

    [Theory]
    [InlineData("q4_k_m")]
    [InlineData("q4_0")]
    public void Write_gives_the_same_bytes_and_figures_for_any_threads(string type)
    {
        using TempFolder folder = new();
        using IModelSource model = ModelSource.Open("tiny");
        var one = Write(model, folder.File("1.gguf"), type, threads: 1).Summary;
        byte[] bytes = File.ReadAllBytes(folder.File("1.gguf"));
        foreach (int threads in (int[])[2, 5])
        {
            Assert.Equal(one, Write(model, folder.File($"{threads}.gguf"), type, threads).Summary);
            Assert.True(bytes.AsSpan().SequenceEqual(File.ReadAllBytes(folder.File($"{threads}.gguf"))));
        }
    }

    [Fact]
    public void Write_copies_what_has_the_type_already_byte_for_byte()
    {
        using TempFolder folder = new();
        using GgufModel original = GgufModel.Open(LlamaCppGolden.PathOf("tiny-dense256-q4_k_m"));
        (QuantizationPlan plan, ImmutableArray<QuantizedType> summary) = Write(original, folder.File("x.gguf"), "q4_k_m");
        Assert.DoesNotContain(plan.Notes, n => n.Contains("quantised before", StringComparison.Ordinal));
        Assert.All(summary, t => Assert.Equal(0, t.Rmse));
        using GgufModel copy = GgufModel.Open(folder.File("x.gguf"));
        AssertSameBytes(original, copy, original.Names);

        QuantizationPlan again = QuantizationPlan.Create(original, "q8_0");
        Assert.Contains(again.Notes, n => n.Contains("token_embd.weight (q6_k), blk.0.attn_q.weight (q4_k)", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("q4_k_m", "rows of 64 are no whole blocks of q4_k (256), so these become q8_0")]
    [InlineData("q6_k", "rows of 64 are no whole blocks of q6_k (256), so these become q8_0")]
    [InlineData("q4_0", "rows of 176 are no whole blocks of q4_0 (32), so these become f16: blk.0.ffn_down.weight")]
    public void Write_says_which_rows_are_no_whole_blocks_and_what_they_become(string type, string note)
    {
        using TempFolder folder = new();
        using HuggingFaceFolder original = HuggingFaceFolder.Open(TestData.Path("hf/dense-tied-f32"));
        QuantizationPlan plan = Write(original, folder.File("x.gguf"), type).Plan;
        Assert.Contains(plan.Notes, n => n.StartsWith(note, StringComparison.Ordinal));
        using GgufModel written = GgufModel.Open(folder.File("x.gguf"));
        Assert.Equal(ElementType.Q8_0, written.Get(Qwen3Tensors.Embedding).Type);
        Assert.Equal(type == "q4_0" ? ElementType.Q4_0 : ElementType.Q8_0, written.Get("model.layers.0.mlp.up_proj.weight").Type);
        Assert.Equal(ElementType.F16, written.Get("model.layers.0.mlp.down_proj.weight").Type);
        Assert.Null(written.Text.Tokenizer);
    }

    [Theory]
    [InlineData(float.NaN, "q8_0", "NaN")]
    [InlineData(float.PositiveInfinity, "q4_k_m", "weight 70001 of tensor blk.1.ffn_up.weight")]
    [InlineData(float.NegativeInfinity, "bf16", "weight 70001 of tensor blk.1.ffn_up.weight")]
    [InlineData(1e6f, "f16", "too large for f16")]
    [InlineData(1e7f, "q8_0", "too large for q8_0")]
    [InlineData(1e9f, "q6_k", "too large for q6_k")]
    public void Write_of_a_weight_that_the_type_cannot_hold_names_the_tensor_and_leaves_nothing(float value, string type, string named)
    {
        using TempFolder folder = new();
        using GgufModel golden = GgufModel.Open(LlamaCppGolden.PathOf(Wide));
        byte[] bytes = GgufWriter.Of(golden).Change("blk.1.ffn_up.weight", t =>
        {
            BinaryPrimitives.WriteSingleLittleEndian(t.Data.AsSpan(4 * 70001), value);
            return t;
        }).ToBytes();
        using GgufModel spoilt = GgufModel.Open(folder.Write("in.gguf", bytes));
        string path = folder.File("out.gguf");
        Sentence.AssertNames(Assert.Throws<UserErrorException>(() => Write(spoilt, path, type)), "in.gguf", "blk.1.ffn_up.weight", named);
        Assert.Equal(["in.gguf"], Directory.EnumerateFileSystemEntries(folder.Path).Select(Path.GetFileName));
    }

    [Fact]
    public void Write_that_is_cancelled_leaves_nothing_and_the_old_file_as_it_was()
    {
        using TempFolder folder = new();
        using IModelSource model = ModelSource.Open("tiny");
        string path = folder.Write("x.gguf", "old");
        using CancellationTokenSource source = new();
        QuantizationPlan plan = QuantizationPlan.Create(model, "f32");
        Assert.Throws<OperationCanceledException>(
            () => Quantizer.Write(plan, path, true, 2, share => source.Cancel(), source.Token));
        Assert.Equal("old", File.ReadAllText(path));
        Assert.Single(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Fact]
    public void Write_over_the_models_own_file_keeps_reading_the_old_one()
    {
        using TempFolder folder = new();
        string path = folder.Write("x.gguf", File.ReadAllBytes(LlamaCppGolden.PathOf(Wide)));
        using GgufModel model = GgufModel.Open(path);
        Write(model, path, "q8_0", overwrite: true);
        using GgufModel after = GgufModel.Open(path);
        Assert.Equal(ElementType.Q8_0, after.Get(Qwen3Tensors.Embedding).Type);
        Assert.InRange(Distance(model.Get(Qwen3Tensors.Embedding), after.Get(Qwen3Tensors.Embedding)), 1e-6, 0.01);
    }

    [Fact]
    public void CheckOutput_refuses_what_cannot_be_written_and_says_what_to_do()
    {
        using TempFolder folder = new();
        string taken = folder.Write("x.gguf", "old");
        Directory.CreateDirectory(folder.File("d.gguf"));
        void Refuses(string path, string word) =>
            Sentence.AssertNames(Assert.Throws<UserErrorException>(() => Quantizer.CheckOutput(path, false)), path, word);
        Refuses(taken, "--force");
        Refuses(folder.File("x.bin"), "end in .gguf");
        Refuses(folder.File("d.gguf"), "folder");
        Refuses(folder.File("none/x.gguf"), "no folder");
        Quantizer.CheckOutput(taken, overwrite: true);
    }

    [Fact]
    public void Create_refuses_a_tokenizer_with_more_tokens_than_the_model_has_rows()
    {
        Qwen3Config config = RandomModel.Open("random:qwen3-0.6b").Config with { VocabSize = 1000 };
        using RandomModel model = new("random:test", config, "bf16");
        Sentence.AssertNames(Assert.Throws<UserErrorException>(() => QuantizationPlan.Create(model, "q8_0")), "random:test", "1000 rows");
    }

    private static (QuantizationPlan Plan, ImmutableArray<QuantizedType> Summary) Write(
        IModelSource model, string path, string type, int threads = 2, bool overwrite = false)
    {
        QuantizationPlan plan = QuantizationPlan.Create(model, type);
        return (plan, Quantizer.Write(plan, path, overwrite, threads, _ => { }, TestContext.Current.CancellationToken));
    }

    private static void AssertSameBytes(GgufModel a, GgufModel b, IEnumerable<string> names) =>
        Assert.All(names, n => Assert.True(GgufWriter.Bytes(a.Get(n)).AsSpan().SequenceEqual(GgufWriter.Bytes(b.Get(n))), n));

    /// <summary>Root mean square of the differences over that of the first.</summary>
    private static double Distance(ConstantData a, ConstantData b)
    {
        (float[] x, float[] y) = (Values(a), Values(b));
        return Math.Sqrt(x.Zip(y, (p, q) => Math.Pow((double)p - q, 2)).Sum() / Math.Max(x.Sum(p => (double)p * p), 1e-30));
    }

    private static float[] Values(ConstantData data)
    {
        float[] values = new float[data.Shape.Aggregate(1L, (p, d) => p * d)];
        ElementValues.Read(data.Type, GgufWriter.Bytes(data), values);
        return values;
    }
}
