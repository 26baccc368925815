using HeteroQwen.TestSupport;

namespace HeteroQwen.Generation.Tests;

/// <summary>The golden models: logits against the float64 truth, greedy ids against transformers.</summary>
public sealed class GoldenTests
{
    /// <summary>Largest |logit - logits64|, as tests/Golden/README.md has it.</summary>
    private static double Bound(string backend) => backend == "reference" ? 1e-5 : 1e-4;

    public static MatrixTheoryData<string, string> Models => new(Opening.Backends, TestData.GoldenModels);

    [Theory]
    [MemberData(nameof(Models))]
    public void Logits_of_each_golden_model_are_within_the_bound_of_the_truth(string backend, string name)
    {
        GoldenLogits golden = GoldenLogits.Load(name);
        using OpenModel model = OpenModel.Golden(name, new(backend) { Page = 128 });
        double bound = Bound(backend);
        Dictionary<int, int> wanted = golden.Rows.Index().ToDictionary(r => r.Item, r => r.Index);
        (double worst, int compared) = (0, 0);
        void Compare(int position, ReadOnlySpan<float> row)
        {
            if (wanted.TryGetValue(position, out int at))
            {
                ReadOnlySpan<double> truth = golden.Row(at);
                worst = Math.Max(worst, Distance(truth, row));
                Best.AssertSame(truth, row, 2 * bound);
                compared++;
            }
        }

        TeacherForced.Run(model.Engine, golden.Tokens, Compare, cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(golden.Rows.Length, compared);
        Assert.True(worst <= bound, $"{name} on {backend}: {worst:E2} from the truth, beyond {bound:E0}");
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Greedy_continuation_of_each_golden_model_is_that_of_transformers(string backend, string name)
    {
        GoldenLogits golden = GoldenLogits.Load(name);
        using OpenModel model = OpenModel.Golden(name, new(backend) { Page = 128 });
        GenerationResult result = Generator.Run(
            model.Engine, new(golden.Tokens) { MaxTokens = golden.Greedy.Length }, TestContext.Current.CancellationToken);
        Assert.Equal(golden.Greedy, result.Ids);
        Assert.Equal(FinishReason.Length, result.FinishReason);
    }

    private static double Distance(ReadOnlySpan<double> truth, ReadOnlySpan<float> row)
    {
        double worst = 0;
        for (int i = 0; i < truth.Length; i++)
        {
            double distance = Math.Abs(row[i] - truth[i]);
            worst = double.IsNaN(distance) ? double.PositiveInfinity : Math.Max(worst, distance);
        }

        return worst;
    }
}
