using System.Text;
using HeteroQwen.Ir;

namespace HeteroQwen.Models.Tests;

/// <summary>What holds whatever is in a file: it is used, or refused by a sentence, and makes nobody allocate much.</summary>
internal static class Hostile
{
    private const long FixedBytes = 64 << 20;

    /// <summary>Runs the action on spoilt bytes; true if it refused them.</summary>
    /// <param name="where">What every sentence names.</param>
    /// <param name="mutation">Number of the mutation, for messages.</param>
    /// <param name="bytes">The spoilt file.</param>
    /// <param name="open">Opens and uses it.</param>
    public static bool Refuses(string where, int mutation, byte[] bytes, Action open)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            open();
            return false;
        }
        catch (UserErrorException e)
        {
            Assert.Contains(where, e.Message, StringComparison.Ordinal);
            Assert.DoesNotContain(e.Message, char.IsControl);
            return true;
        }
        catch (Exception e) when (e is not Xunit.Sdk.IAssertionException)
        {
            string start = Encoding.UTF8.GetString(bytes.AsSpan(0, Math.Min(bytes.Length, 2000)));
            throw new InvalidOperationException($"mutation {mutation} of {bytes.Length} bytes: {start}", e);
        }
        finally
        {
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, FixedBytes + (20L * bytes.Length));
        }
    }
}
