// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IIdentity} from "../src/IIdentity.sol";
import {IParticipation} from "../src/IParticipation.sol";
import {Signing} from "./Signing.sol";

contract ParticipationTest is Signing {
    uint64 private constant ROUND = 20;
    uint256 private constant OWNER = 0xA11CE;
    uint256 private constant A = 0xD1;
    uint256 private constant B = 0xD2;
    bytes32 private constant ROOT = keccak256("root");
    bytes32 private constant ROLLOUTS = keccak256("rollouts");

    IIdentity private identity;
    IParticipation private book;
    uint256 private genesis;

    function setUp() public {
        genesis = 1_800_000_000;
        vm.warp(genesis);
        identity = deployIdentity();
        book = deployParticipation(identity);
    }

    // --- the clock --------------------------------------------------------------------------------------------------

    function test_clock_atTheBorders() public {
        stageIs(0, 0, IParticipation.Stage.Answer);
        stageIs(7, 0, IParticipation.Stage.Answer);
        stageIs(8, 0, IParticipation.Stage.Critique);
        stageIs(12, 0, IParticipation.Stage.Critique);
        stageIs(13, 0, IParticipation.Stage.Vote);
        stageIs(19, 0, IParticipation.Stage.Vote);
        stageIs(20, 1, IParticipation.Stage.Answer);
        vm.expectRevert(abi.encodeWithSelector(IParticipation.BeforeGenesis.selector, genesis - 1, genesis));
        book.roundAt(genesis - 1);
    }

    function testFuzz_clock_isTheSchedule(uint32 a, uint32 c, uint32 v, uint40 wait) public {
        a = uint32(within(a, 1, 1 days));
        c = uint32(within(c, 1, 1 days));
        v = uint32(within(v, 1, 1 days));
        IParticipation other = deployParticipation(identity, a, c, v);
        vm.warp(genesis + wait);
        IParticipation.Schedule memory s = other.schedule();
        uint256 length = uint256(s.answerSeconds) + s.critiqueSeconds + s.voteSeconds;
        uint256 start = s.genesis + uint256(other.currentRound()) * length;
        yes(start <= block.timestamp && block.timestamp < start + length, "inside its round");
        uint256 into = block.timestamp - start;
        IParticipation.Stage stage = into < a
            ? IParticipation.Stage.Answer
            : into < uint256(a) + c ? IParticipation.Stage.Critique : IParticipation.Stage.Vote;
        yes(other.currentStage() == stage, "stage");
    }

    function test_seed_isAPureFunctionOfTheRound() public {
        bytes32 seed = book.seedOf(7);
        eq(seed, keccak256(abi.encode(book.schedule().genesisSeed, uint256(7))), "as documented");
        no(seed == book.seedOf(8), "another round");
        IParticipation other = deployParticipation(identity);
        no(seed == other.seedOf(7), "another deployment");
        vm.warp(genesis + 1000);
        eq(seed, book.seedOf(7), "later");
    }

    function test_deployment_refusesNonsense() public {
        vm.expectRevert(IParticipation.BadDeployment.selector);
        deployParticipation(identity, 0, 5, 7);
        vm.expectRevert(IParticipation.BadDeployment.selector);
        deployParticipation(identity, 8, 0, 7);
        vm.expectRevert(IParticipation.BadDeployment.selector);
        deployParticipation(identity, 8, 5, 0);
        vm.expectRevert(IParticipation.BadDeployment.selector);
        deployParticipation(identity, 8, 5, 1 days + 1);
        vm.expectRevert(IParticipation.BadDeployment.selector);
        deployParticipation(IIdentity(address(0xBEEF)), 8, 5, 7);
    }

    // --- attesting for oneself --------------------------------------------------------------------------------------

    function test_attest_counts() public {
        vm.expectEmit(true, true, true, true, address(book));
        emit IParticipation.Attested(address(this), 0, ROOT, ROLLOUTS);
        book.attest(0, ROOT, ROLLOUTS);
        IParticipation.Record memory r = book.recordOf(address(this));
        eq(r.attestations, 1, "attestations");
        eq(r.nextRound, 1, "next round");
        eq(r.votesCast + r.votesReceived + r.nextVote, 0, "nothing else");
    }

    function test_attest_oncePerRoundAndOnlyForward() public {
        vm.warp(genesis + 2 * ROUND);
        book.attest(1, ROOT, ROLLOUTS);
        refuseAttest(1, IParticipation.Refusal.Repeated);
        refuseAttest(0, IParticipation.Refusal.Repeated);
        book.attest(2, ROOT, ROLLOUTS);
        eq(book.recordOf(address(this)).attestations, 2, "attestations");
    }

    function testFuzz_attest_window(uint16 current, uint64 round) public {
        vm.warp(genesis + uint256(current) * ROUND);
        if (round > current) refuseAttest(round, IParticipation.Refusal.NotYet);
        else if (current - round > book.WINDOW()) refuseAttest(round, IParticipation.Refusal.Closed);
        else book.attest(round, ROOT, ROLLOUTS);
    }

    function testFuzz_attest_nearTheWindow(uint16 current, uint8 back) public {
        uint64 round = current < back % 6 ? 0 : current - back % 6;
        testFuzz_attest_window(current, round);
        testFuzz_attest_window(current, uint64(current) + 1);
    }

    function test_attest_needsAnUnbrokenDelegation() public {
        address device = bindDevice(identity, OWNER, A);
        vm.prank(device);
        book.attest(0, ROOT, ROLLOUTS);
        vm.prank(vm.addr(OWNER));
        identity.revoke(device);
        vm.warp(genesis + ROUND);
        vm.prank(device);
        vm.expectRevert(
            abi.encodeWithSelector(IParticipation.Refused.selector, IParticipation.Refusal.NoAuthority)
        );
        book.attest(1, ROOT, ROLLOUTS);
        eq(book.recordOf(device).attestations, 1, "what it had earned stays");
        eq(book.recordOfOwner(vm.addr(OWNER)).attestations, 1, "and stays the owner's");
    }

    function test_scope_isRespected() public {
        (IIdentity.Delegation memory d, bytes32 x, bytes32 y) = delegation(identity, vm.addr(OWNER), A);
        d.scope = identity.SCOPE_ATTEST();
        identity.bind(
            x,
            y,
            d,
            sign65(OWNER, delegationDigest(address(identity), d)),
            sign65(A, consentDigest(address(identity), d.owner, d.epoch))
        );
        vm.prank(d.sessionKey);
        book.attest(0, ROOT, ROLLOUTS);
        vm.prank(d.sessionKey);
        vm.expectRevert(
            abi.encodeWithSelector(IParticipation.Refused.selector, IParticipation.Refusal.NoAuthority)
        );
        book.vote(0, list(d.sessionKey));
    }

    // --- batches of signed attestations -----------------------------------------------------------------------------

    function test_batch_byAnybody() public {
        IParticipation.SignedAttestation[] memory batch = new IParticipation.SignedAttestation[](2);
        batch[0] = attestation(A, 0);
        batch[1] = attestation(B, 0);
        vm.expectEmit(true, true, true, true, address(book));
        emit IParticipation.Attested(vm.addr(A), 0, ROOT, ROLLOUTS);
        vm.expectEmit(true, true, true, true, address(book));
        emit IParticipation.Attested(vm.addr(B), 0, ROOT, ROLLOUTS);
        vm.prank(address(0xBEEF));
        eq(book.attestBatch(0, batch), 2, "accepted");
    }

    function test_batch_badEntriesCostTheGoodOnesNothing() public {
        vm.warp(genesis + 5 * ROUND);
        bindDevice(identity, OWNER, 0xD3);
        vm.prank(vm.addr(OWNER));
        identity.revokeAll();
        vm.prank(vm.addr(0xD4));
        book.attest(4, ROOT, ROLLOUTS);
        IParticipation.SignedAttestation[] memory batch = new IParticipation.SignedAttestation[](7);
        batch[0] = attestation(A, 3);
        batch[1] = attestation(A, 3);
        batch[2] = attestation(0xD4, 3);
        batch[3] = attestation(B, 4);
        batch[4] = attestation(B, 3);
        batch[4].device = vm.addr(0xD5);
        batch[5] = attestation(0xD3, 3);
        batch[6] = attestation(B, 3);
        skips(1, vm.addr(A), 3, IParticipation.Refusal.Repeated);
        skips(2, vm.addr(0xD4), 3, IParticipation.Refusal.Repeated);
        skips(3, vm.addr(B), 3, IParticipation.Refusal.BadSignature);
        skips(4, vm.addr(0xD5), 3, IParticipation.Refusal.BadSignature);
        skips(5, vm.addr(0xD3), 3, IParticipation.Refusal.NoAuthority);
        eq(book.attestBatch(3, batch), 2, "accepted");
        eq(book.recordOf(vm.addr(A)).attestations, 1, "first");
        eq(book.recordOf(vm.addr(B)).attestations, 1, "last");
    }

    function testFuzz_batch_window(uint16 current, uint8 back) public {
        uint64 round = current < back % 6 ? current + 1 : current - back % 6;
        vm.warp(genesis + uint256(current) * ROUND);
        IParticipation.SignedAttestation[] memory batch = one(attestation(A, round));
        bool open = round <= current && current - round <= 2;
        if (!open) {
            IParticipation.Refusal reason =
                round > current ? IParticipation.Refusal.NotYet : IParticipation.Refusal.Closed;
            vm.expectRevert(abi.encodeWithSelector(IParticipation.Refused.selector, reason));
        }
        book.attestBatch(round, batch);
        eq(book.recordOf(vm.addr(A)).attestations, open ? 1 : 0, "counted");
    }

    function test_batch_replayOfAWholeBatchCountsNothing() public {
        IParticipation.SignedAttestation[] memory batch = one(attestation(A, 0));
        eq(book.attestBatch(0, batch), 1, "first");
        eq(book.attestBatch(0, batch), 0, "again");
        eq(book.recordOf(vm.addr(A)).attestations, 1, "once");
    }

    function test_batch_onlyOnThisChainAndContract() public {
        IParticipation.SignedAttestation[] memory batch = one(attestation(A, 0));
        IParticipation other = deployParticipation(identity);
        eq(other.attestBatch(0, batch), 0, "another contract");
        uint256 here = block.chainid;
        vm.chainId(here + 1);
        eq(book.attestBatch(0, batch), 0, "another chain");
        vm.chainId(here);
        eq(book.attestBatch(0, batch), 1, "here");
    }

    /// @dev Anybody can make the second signature of a statement; it must not be a second statement or hide the first.
    function testFuzz_batch_highSIsRefused(uint256 seed) public {
        uint256 k = key(seed);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(k, attestationDigest(address(book), 0, ROOT, ROLLOUTS));
        uint256 n = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
        uint256 high = n - uint256(s);
        IParticipation.SignedAttestation memory entry =
            IParticipation.SignedAttestation(vm.addr(k), ROOT, ROLLOUTS, r, bytes32(0));
        // vs has room for 255 bits of s; a high s can only be tried where it fits.
        entry.vs = bytes32((high & (type(uint256).max >> 1)) | (uint256(v == 27 ? 1 : 0) << 255));
        eq(book.attestBatch(0, one(entry)), 0, "twin");
    }

    function testFuzz_batch_anyChangedFieldIsRefused(uint256 seed, uint8 field, uint256 change) public {
        vm.assume(change != 0);
        vm.warp(genesis + 2 * ROUND);
        IParticipation.SignedAttestation memory entry =
            signedAttestation(address(book), key(seed), 1, keccak256(abi.encode(seed)), ROLLOUTS);
        field %= 6;
        if (field == 0) {
            entry.device = address(uint160(entry.device) ^ uint160(within(change, 1, type(uint160).max)));
        }
        uint64 round = field != 1 ? 1 : change % 2 == 0 ? 0 : 2;
        if (field == 2) entry.checkpointRoot ^= bytes32(change);
        if (field == 3) entry.rolloutDigest ^= bytes32(change);
        if (field == 4) entry.r ^= bytes32(change);
        if (field == 5) entry.vs ^= bytes32(change);
        eq(book.attestBatch(round, one(entry)), 0, "accepted");
        eq(book.recordOf(entry.device).attestations, 0, "counted");
    }

    /// @dev ecrecover answers zero for nonsense, so zero must never pass for a device.
    function test_batch_nonsenseSignatureIsNobodys() public {
        IParticipation.SignedAttestation memory entry = attestation(A, 0);
        entry.device = address(0);
        entry.r = bytes32(0);
        eq(book.attestBatch(0, one(entry)), 0, "zero");
    }

    function test_batch_size() public {
        vm.expectRevert(abi.encodeWithSelector(IParticipation.BadBatchSize.selector, 0));
        book.attestBatch(0, new IParticipation.SignedAttestation[](0));
        uint256 most = book.MAX_BATCH();
        vm.expectRevert(abi.encodeWithSelector(IParticipation.BadBatchSize.selector, most + 1));
        book.attestBatch(0, new IParticipation.SignedAttestation[](most + 1));
        eq(book.attestBatch(0, new IParticipation.SignedAttestation[](most)), 0, "all skipped");
        vm.expectRevert(abi.encodeWithSelector(IParticipation.BadBatchSize.selector, 0));
        book.voteBatch(new IParticipation.SignedVote[](0));
        vm.expectRevert(abi.encodeWithSelector(IParticipation.BadBatchSize.selector, most + 1));
        book.voteBatch(new IParticipation.SignedVote[](most + 1));
    }

    // --- votes ------------------------------------------------------------------------------------------------------

    function test_vote_counts() public {
        known(A);
        known(B);
        address[] memory winners = pair(vm.addr(A), vm.addr(B));
        vm.expectEmit(true, true, true, true, address(book));
        emit IParticipation.Voted(vm.addr(A), 0, winners);
        vm.prank(vm.addr(A));
        book.vote(0, winners);
        eq(book.recordOf(vm.addr(A)).votesCast, 1, "cast");
        eq(book.recordOf(vm.addr(B)).votesReceived, 1, "received");
        eq(book.recordOf(vm.addr(A)).votesReceived, 0, "none from oneself");
        eq(book.recordOf(vm.addr(A)).attestations, 1, "attestations untouched");
        eq(book.recordOf(vm.addr(A)).nextVote, 1, "next vote");
    }

    function test_vote_whatIsRefused() public {
        known(A);
        known(B);
        refuseVote(A, new address[](0), IParticipation.Refusal.Empty);
        refuseVote(A, new address[](65), IParticipation.Refusal.TooMany);
        refuseVote(A, pairRaw(vm.addr(B), vm.addr(B)), IParticipation.Refusal.Unordered);
        address[] memory down = pair(vm.addr(A), vm.addr(B));
        (down[0], down[1]) = (down[1], down[0]);
        refuseVote(A, down, IParticipation.Refusal.Unordered);
        refuseVote(A, list(address(0)), IParticipation.Refusal.Unordered);
        refuseVote(A, list(vm.addr(0xD9)), IParticipation.Refusal.UnknownWinner);
        refuseVote(0xD9, list(vm.addr(B)), IParticipation.Refusal.UnknownVoter);
        eq(book.recordOf(vm.addr(B)).votesReceived, 0, "nothing was counted");
        vm.prank(vm.addr(A));
        book.vote(0, list(vm.addr(B)));
        refuseVote(A, list(vm.addr(B)), IParticipation.Refusal.Repeated);
        eq(book.recordOf(vm.addr(B)).votesReceived, 1, "once");
    }

    function test_vote_window() public {
        known(A);
        vm.warp(genesis + 3 * ROUND);
        refuseVote(A, list(vm.addr(A)), IParticipation.Refusal.Closed);
        vm.prank(vm.addr(A));
        vm.expectRevert(
            abi.encodeWithSelector(IParticipation.Refused.selector, IParticipation.Refusal.NotYet)
        );
        book.vote(4, list(vm.addr(A)));
        vm.prank(vm.addr(A));
        book.vote(1, list(vm.addr(A)));
    }

    function test_vote_theMostWinners() public {
        address[] memory winners = new address[](64);
        for (uint256 i; i < 64; ++i) {
            known(0x100 + i);
            winners[i] = vm.addr(0x100 + i);
        }
        sort(winners);
        known(A);
        vm.prank(vm.addr(A));
        book.vote(0, winners);
        for (uint256 i; i < 64; ++i) {
            eq(book.recordOf(winners[i]).votesReceived, 1, "each once");
        }
    }

    function test_voteBatch_mixed() public {
        known(A);
        known(B);
        IParticipation.SignedVote[] memory batch = new IParticipation.SignedVote[](6);
        batch[0] = signedVote(address(book), A, 0, list(vm.addr(B)));
        batch[1] = signedVote(address(book), A, 0, list(vm.addr(B)));
        batch[2] = signedVote(address(book), B, 0, new address[](0));
        batch[3] = signedVote(address(book), B, 0, new address[](65));
        batch[4] = signedVote(address(book), B, 0, list(vm.addr(A)));
        batch[4].winners[0] = vm.addr(B);
        batch[5] = signedVote(address(book), B, 0, list(vm.addr(A)));
        skipsVote(1, vm.addr(A), IParticipation.Refusal.Repeated);
        skipsVote(2, vm.addr(B), IParticipation.Refusal.Empty);
        skipsVote(3, vm.addr(B), IParticipation.Refusal.TooMany);
        skipsVote(4, vm.addr(B), IParticipation.Refusal.BadSignature);
        eq(book.voteBatch(batch), 2, "accepted");
        eq(book.recordOf(vm.addr(A)).votesReceived, 1, "A");
        eq(book.recordOf(vm.addr(B)).votesReceived, 1, "B");
    }

    function test_voteBatch_onlyOnThisContract() public {
        known(A);
        IParticipation other = deployParticipation(identity);
        vm.prank(vm.addr(A));
        other.attest(0, ROOT, ROLLOUTS);
        IParticipation.SignedVote[] memory batch = new IParticipation.SignedVote[](1);
        batch[0] = signedVote(address(book), A, 0, list(vm.addr(A)));
        eq(other.voteBatch(batch), 0, "another contract");
        eq(book.voteBatch(batch), 1, "this one");
    }

    // --- records ----------------------------------------------------------------------------------------------------

    function test_record_bindingLaterCarriesIt() public {
        known(A);
        known(B);
        vm.prank(vm.addr(B));
        book.vote(0, list(vm.addr(A)));
        address owner = vm.addr(OWNER);
        eq(book.recordOfOwner(owner).attestations, 0, "nothing bound");
        bindDevice(identity, OWNER, A);
        eq(book.recordOfOwner(owner).attestations, 1, "carried");
        eq(book.recordOfOwner(owner).votesReceived, 1, "votes too");
        bindDevice(identity, OWNER, B);
        vm.warp(genesis + ROUND);
        vm.prank(vm.addr(B));
        book.attest(1, ROOT, ROLLOUTS);
        IParticipation.Record memory r = book.recordOfOwner(owner);
        eq(r.attestations, 3, "sum");
        eq(r.votesCast, 1, "votes cast");
        eq(r.nextRound, 2, "highest round");
        eq(r.nextVote, 1, "highest vote");
    }

    function test_record_ofMany() public {
        known(B);
        IParticipation.Record[] memory r = book.recordsOf(pairRaw(vm.addr(A), vm.addr(B)));
        eq(r[0].attestations, 0, "A");
        eq(r[1].attestations, 1, "B");
    }

    // --- helpers ----------------------------------------------------------------------------------------------------

    function stageIs(uint256 into, uint64 round, IParticipation.Stage stage) private {
        vm.warp(genesis + into);
        eq(book.currentRound(), round, "round");
        yes(book.currentStage() == stage, "stage");
    }

    function attestation(uint256 k, uint64 round)
        private
        view
        returns (IParticipation.SignedAttestation memory)
    {
        return signedAttestation(address(book), k, round, ROOT, ROLLOUTS);
    }

    function known(uint256 k) private {
        vm.prank(vm.addr(k));
        book.attest(0, ROOT, ROLLOUTS);
    }

    function one(IParticipation.SignedAttestation memory entry)
        private
        pure
        returns (IParticipation.SignedAttestation[] memory batch)
    {
        batch = new IParticipation.SignedAttestation[](1);
        batch[0] = entry;
    }

    function list(address a) private pure returns (address[] memory l) {
        l = new address[](1);
        l[0] = a;
    }

    function pairRaw(address a, address b) private pure returns (address[] memory l) {
        l = new address[](2);
        (l[0], l[1]) = (a, b);
    }

    function pair(address a, address b) private pure returns (address[] memory) {
        return a < b ? pairRaw(a, b) : pairRaw(b, a);
    }

    function sort(address[] memory l) private pure {
        for (uint256 i = 1; i < l.length; ++i) {
            for (uint256 j = i; j > 0 && l[j] < l[j - 1]; --j) {
                (l[j], l[j - 1]) = (l[j - 1], l[j]);
            }
        }
    }

    function skips(uint256 entry, address device, uint64 round, IParticipation.Refusal reason) private {
        vm.expectEmit(true, true, true, true, address(book));
        emit IParticipation.AttestationSkipped(device, round, entry, reason);
    }

    function skipsVote(uint256 entry, address device, IParticipation.Refusal reason) private {
        vm.expectEmit(true, true, true, true, address(book));
        emit IParticipation.VoteSkipped(device, 0, entry, reason);
    }

    function refuseAttest(uint64 round, IParticipation.Refusal reason) private {
        vm.expectRevert(abi.encodeWithSelector(IParticipation.Refused.selector, reason));
        book.attest(round, ROOT, ROLLOUTS);
    }

    function refuseVote(uint256 k, address[] memory winners, IParticipation.Refusal reason) private {
        vm.prank(vm.addr(k));
        vm.expectRevert(abi.encodeWithSelector(IParticipation.Refused.selector, reason));
        book.vote(0, winners);
    }
}
