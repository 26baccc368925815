using System.Globalization;
using CsCheck;
using HeteroQwen.Ir;

namespace HeteroQwen.Hardening.Tests;

/// <summary>
/// Spoilt files of every kind: each is used, or refused by one sentence; none crashes, hangs, or makes the process allocate more than
/// 64 MB plus 20 times the file. Longer: HETEROQWEN_FUZZ_SECONDS=600, for each kind of file. One again: HETEROQWEN_FUZZ_SEED=n.
/// </summary>
public sealed class FuzzTests
{
    private const int Samples = 500;
    private const long FixedBytes = 64 << 20;
    private static readonly TimeSpan s_hang = TimeSpan.FromSeconds(60);

    public static TheoryData<string> Kinds => new(Targets.Names);

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_spoilt_file_is_used_or_refused_by_a_sentence(string kind)
    {
        using Target target = Targets.Open(kind);
        target.Use(target.Original);
        if (Environment.GetEnvironmentVariable("HETEROQWEN_FUZZ_SEED") is { } again)
        {
            Run(target, int.Parse(again, CultureInfo.InvariantCulture));
            return;
        }

        int seconds = int.Parse(Environment.GetEnvironmentVariable("HETEROQWEN_FUZZ_SECONDS") ?? "-1", CultureInfo.InvariantCulture);
        int refused = 0;
        int all = 0;
        Gen.Int.NonNegative.Sample(
            seed =>
            {
                refused += Run(target, seed) ? 1 : 0;
                all++;
            },
            iter: seconds > 0 ? -1 : Samples,
            time: seconds,
            threads: 1);
        Assert.True(refused > all / 10, $"only {refused} of {all} spoilt files were refused: the mutations do not reach what they should");
    }

    /// <summary>True if the file was refused.</summary>
    private static bool Run(Target target, int seed)
    {
        byte[] bytes = new Mutator(new Random(seed)).Mutate(target.Original, target.Shape, target.Interesting);
        string which = $"{target.Name}, HETEROQWEN_FUZZ_SEED={seed}";
        using Timer watchdog = new(_ => Environment.FailFast($"hang: {which}"), null, s_hang, Timeout.InfiniteTimeSpan);
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            target.Use(bytes);
            return false;
        }
        catch (UserErrorException e)
        {
            Assert.True(e.Message.Length is > 0 and < 2000 && !e.Message.Any(char.IsControl), $"{which}: no sentence: {e.Message}");
            return true;
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"{which}: {e.GetType().Name}: {e.Message}", e);
        }
        finally
        {
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(allocated <= FixedBytes + (20L * bytes.Length), $"{which}: {allocated} bytes allocated for a file of {bytes.Length}");
        }
    }
}
