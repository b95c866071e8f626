// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IDisputes} from "../../src/disputes/IDisputes.sol";
import {DisputesFixture} from "./DisputesFixture.sol";

/// @notice Withdraws again while it is being paid.
contract GreedyChallenger {
    IDisputes private immutable DISPUTES;
    bool private immutable HIDES;
    uint256 public received;

    constructor(IDisputes disputes, bool hides) {
        DISPUTES = disputes;
        HIDES = hides;
    }

    function challenge(uint256 claim, IDisputes.Terms calldata terms) external payable returns (uint256) {
        return DISPUTES.challenge{value: msg.value}(claim, terms);
    }

    function withdraw() external {
        DISPUTES.withdraw();
    }

    receive() external payable {
        received += msg.value;
        if (!HIDES) return DISPUTES.withdraw();
        (bool again,) = address(DISPUTES).call(abi.encodeCall(IDisputes.withdraw, ()));
        require(!again, "paid twice");
    }
}

/// @notice The window of a claim, and the budgets of its games, grow with the steps that somebody has to
/// repeat.
contract WindowTest is DisputesFixture {
    function claimOfSteps(uint32 steps) private returns (uint256) {
        terms.steps = steps;
        return claimRoot(keccak256("whatever"));
    }

    function test_claim_windowGrowsWithSteps() external {
        uint256 short = claimOfSteps(1);
        uint256 long = claimOfSteps(100);
        assertEq(
            disputes.claimOf(long).windowEnd - disputes.claimOf(short).windowEnd,
            99 * STEP_SECONDS,
            "99 steps more"
        );
        assertEq(disputes.claimOf(long).windowEnd, block.timestamp + disputes.windowOf(100), "windowOf");
        assertEq(disputes.claimCount(), 2, "claims");
        uint256[] memory ids = new uint256[](2);
        (ids[0], ids[1]) = (long, short);
        assertEq(abi.encode(disputes.claimsOf(ids)[0]), abi.encode(disputes.claimOf(long)), "claimsOf");
        assertEq(abi.encode(disputes.claimsOf(ids)[1]), abi.encode(disputes.claimOf(short)), "claimsOf");
        vm.warp(disputes.claimOf(long).windowEnd);
        disputes.settle(short);
        vm.expectRevert(IDisputes.WindowOpen.selector);
        disputes.settle(long);
        vm.warp(block.timestamp + 1);
        disputes.settle(long);
    }

    function test_claim_revertsIfRunTakesTooLongToRepeat() external {
        uint32 most = disputes.MAX_REPEAT_SECONDS() / STEP_SECONDS;
        claimOfSteps(most);
        assertClaimReverts(most + 1);
        assertClaimReverts(type(uint32).max);
        assertClaimReverts(0);
    }

    function assertClaimReverts(uint32 steps) private {
        terms.steps = steps;
        uint256 bond = disputes.claimBond(terms);
        vm.prank(CLAIMANT);
        vm.expectRevert(IDisputes.BadTerms.selector);
        disputes.claim{value: bond}(terms, "whatever");
        vm.expectRevert(IDisputes.BadTerms.selector);
        disputes.windowOf(steps);
    }

    /// @dev The last second of the window belongs to a challenger, the next one to the claimant.
    function test_challenge_succeedsInLastSecondOfLongWindow() external {
        uint256 claim = claimOfSteps(30);
        vm.warp(disputes.claimOf(claim).windowEnd);
        vm.expectRevert(IDisputes.WindowOpen.selector);
        disputes.settle(claim);
        challengeAs(claim, CHALLENGER);
        vm.warp(block.timestamp + 1);
        uint256 bond = disputes.challengeBond(terms);
        vm.prank(OTHER_CHALLENGER);
        vm.expectRevert(IDisputes.WindowClosed.selector);
        disputes.challenge{value: bond}(claim, terms);
        vm.expectRevert(IDisputes.GamesLive.selector);
        disputes.settle(claim);
    }

    function test_withdraw_paysOnceIfReceiverReenters() external {
        GreedyChallenger[2] memory greedy =
            [new GreedyChallenger(disputes, false), new GreedyChallenger(disputes, true)];
        for (uint256 i; i < 2; ++i) {
            uint256 bond = disputes.challengeBond(terms);
            uint256 claim = claimOfSteps(3);
            vm.deal(address(this), bond);
            uint256 game = greedy[i].challenge{value: bond}(claim, terms);
            vm.warp(block.timestamp + BUDGET + 1);
            disputes.timeout(game);
        }
        uint256 due = disputes.credit(address(greedy[1]));
        vm.expectRevert(IDisputes.PaymentFailed.selector);
        greedy[0].withdraw();
        greedy[1].withdraw();
        assertEq(greedy[1].received(), due, "paid once");
        assertEq(disputes.credit(address(greedy[1])), 0, "no more credit");
    }

    function testFuzz_windowOf_hasTimeForEveryStep(uint32 steps, uint32 more) external view {
        uint32 most = disputes.MAX_REPEAT_SECONDS() / STEP_SECONDS;
        steps = uint32(bound(steps, 1, most));
        more = uint32(bound(more, 0, most - steps));
        uint256 window = disputes.windowOf(steps);
        assertGe(window, uint256(steps) * STEP_SECONDS, "time to repeat the run");
        assertEq(disputes.windowOf(steps + more) - window, uint256(more) * STEP_SECONDS, "longer runs");
    }

    function test_challenge_givesBothSidesTimeToRepeatRun() external {
        uint256 game = challengeAs(claimOfSteps(3), CHALLENGER);
        uint256 other = challengeAs(claimOfSteps(50), CHALLENGER);
        assertEq(disputes.gameOf(game).clock.claimantLeft, BUDGET, "claimant, three steps");
        assertEq(disputes.gameOf(other).clock.claimantLeft, BUDGET + 47 * STEP_SECONDS, "claimant");
        assertEq(disputes.gameOf(other).clock.challengerLeft, BUDGET + 47 * STEP_SECONDS, "challenger");
        uint256 most = disputes.maxSeconds(terms);
        terms.steps = 3;
        // The longer game has the same number of moves but for one more reveal and pick.
        assertEq(most - disputes.maxSeconds(terms), 4 * 47 * STEP_SECONDS + 2 * EXTENSION, "maxSeconds");
    }
}
