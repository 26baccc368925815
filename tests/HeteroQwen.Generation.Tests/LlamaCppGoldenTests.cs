using HeteroQwen.Backends;
using HeteroQwen.Ir;
using HeteroQwen.Models;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Generation.Tests;

/// <summary>llama.cpp's golden files: logits against the float64 truth over the file's own weights, whatever their type.</summary>
public sealed class LlamaCppGoldenTests
{
    /// <summary>sum((a - b)^2) / sum(b^2) over all rows where nothing is rounded below f32, as tests/Golden/README.md has it.</summary>
    private const double MaxNmse = 1e-10;

    /// <summary>Where products with quantised weights round activations to int8: this, and not beyond 1.5 times llama.cpp's own.</summary>
    private const double MaxNmseOfInt8 = 1.5e-3, MostOfTheirs = 1.5;

    /// <summary>Where products with BF16 weights may round activations to BF16.</summary>
    private const double MaxNmseOfBrains = 3e-4;

    /// <summary>What a KV cache of q8_0 adds to it.</summary>
    private const double MaxNmseOfQ8Cache = 1e-3;

    public static TheoryData<string, string, Precision> Models =>
    [
        .. LlamaCppGolden.All.SelectMany(m => (TheoryDataRow<string, string, Precision>[])
            [new("reference", m, Precision.Exact), new("cpu", m, Precision.Exact), new("cpu", m, Precision.Fast)])
            .Where(row => row.Data.Item3 == Precision.Exact || !IsQuantised(row.Data.Item2)),
    ];

    public static TheoryData<string> QuantisedModels => [.. LlamaCppGolden.All.Where(IsQuantised)];

    // The other models have heads that are no whole number of blocks.
    public static TheoryData<string> ModelsOfWideHeads => [.. LlamaCppGolden.All.Where(m => m.Contains("256", StringComparison.Ordinal))];

    /// <summary>The CPU backend rounds nothing in fast either, where no weight is quantised or BF16.</summary>
    [Theory]
    [MemberData(nameof(Models))]
    public void Logits_are_within_the_bound_of_the_truth(string backend, string name, Precision precision)
    {
        bool rounds = precision == Precision.Fast && name.EndsWith("-bf16", StringComparison.Ordinal);
        AssertNear(name, new(backend) { Page = 128, Options = Options(precision, ElementType.F32) }, rounds ? MaxNmseOfBrains : MaxNmse);
    }

    /// <summary>Of models with experts the median row counts: one rounding can flip an expert in a row.</summary>
    [Theory]
    [MemberData(nameof(QuantisedModels))]
    public void Logits_in_fast_with_quantised_weights_are_within_the_bound_of_int8_and_of_llama_cpp(string name)
    {
        LlamaCppGolden golden = LlamaCppGolden.Load(name);
        double theirs = Difference.Of(golden.Logits64, golden.Logits).Nmse;
        if (!name.Contains("moe", StringComparison.Ordinal))
        {
            AssertNear(name, new("cpu") { Options = Options(Precision.Fast, ElementType.F32) }, Math.Min(MaxNmseOfInt8, MostOfTheirs * theirs));
            return;
        }

        using OpenModel model = new(LlamaCppGolden.PathOf(name), new("cpu") { Options = Options(Precision.Fast, ElementType.F32) });
        double[] rows =
        [
            .. golden.Logits64.Zip(model.Logits(golden.Tokens)).Select(r => Difference.Of([r.First], [r.Second]).Nmse).Order(),
        ];
        Assert.InRange(rows[rows.Length / 2], 0, MaxNmseOfInt8);
    }

    [Theory]
    [MemberData(nameof(ModelsOfWideHeads))]
    public void Logits_over_a_cache_of_q8_0_are_within_its_bound(string name) =>
        AssertNear(name, new("cpu") { Options = Options(Precision.Exact, ElementType.Q8_0) }, MaxNmseOfQ8Cache);

    [Fact]
    public void Reference_and_cpu_agree_over_a_cache_of_q8_0_far_within_its_bound()
    {
        const string Name = "tiny-dense256-q4_k_m";
        EngineOptions options = Options(Precision.Exact, ElementType.Q8_0);
        int[] tokens = LlamaCppGolden.Load(Name).Tokens;
        using OpenModel reference = new(LlamaCppGolden.PathOf(Name), new("reference") { Options = options });
        using OpenModel cpu = new(LlamaCppGolden.PathOf(Name), new("cpu") { Options = options });
        double[][] truth = [.. reference.Logits(tokens).Select(row => row.Select(x => (double)x).ToArray())];

        // Where both round a value to different sides, they are a whole step apart.
        Assert.InRange(Difference.Of(truth, cpu.Logits(tokens)).Nmse, 0, MaxNmseOfQ8Cache / 20);
    }

    private static bool IsQuantised(string name) => name.Contains("-q", StringComparison.Ordinal);

    private static EngineOptions Options(Precision precision, ElementType cache) =>
        new() { Precision = precision, KvType = cache, AllRows = true };

    private static void AssertNear(string name, Opening opening, double bound)
    {
        LlamaCppGolden golden = LlamaCppGolden.Load(name);
        using OpenModel model = new(LlamaCppGolden.PathOf(name), opening);
        float[][] rows = model.Logits(golden.Tokens);
        Difference difference = Difference.Of(golden.Logits64, rows);
        Assert.True(difference.Nmse <= bound, $"{name} on {opening.Backend}: NMSE {difference.Nmse:E2}, beyond {bound:E0}");
        foreach ((double[] truth, float[] row) in golden.Logits64.Zip(rows))
        {
            Best.AssertSame(truth, row, 3 * difference.Rms);
        }
    }

    [Theory]
    [InlineData("dense-untied-f32-sharded")]
    [InlineData("dense-yarn-f32")]
    [InlineData("dense-f16")]
    [InlineData("moe-bf16")]
    [InlineData("moe-mixed-f32")]
    public void A_folder_and_its_GGUF_file_give_the_same_logits(string name)
    {
        GoldenLogits golden = GoldenLogits.Load(name);
        using TempFolder folder = new();
        string path;
        using (HuggingFaceFolder source = HuggingFaceFolder.Open(TestData.Path($"hf/{name}")))
        {
            path = folder.Write("model.gguf", GgufWriter.Of(source).ToBytes());
        }

        using OpenModel original = OpenModel.Golden(name, new("cpu"));
        using OpenModel converted = new(path, new("cpu"));
        OpenModel.AssertSameBits(original.Logits(golden.Tokens), converted.Logits(golden.Tokens));
    }

    private readonly record struct Difference(double Nmse, double Rms)
    {
        public static Difference Of(double[][] truth, float[][] rows)
        {
            Assert.Equal(truth.Length, rows.Length);
            (double error, double norm, long count) = (0, 0, 0);
            foreach ((double[] expected, float[] row) in truth.Zip(rows))
            {
                Assert.Equal(expected.Length, row.Length);
                error += expected.Zip(row, (b, a) => (a - b) * (a - b)).Sum();
                norm += expected.Sum(b => b * b);
                count += expected.Length;
            }

            return new(error / norm, Math.Sqrt(error / count));
        }
    }
}
