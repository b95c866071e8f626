// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IDisputes} from "../../src/disputes/IDisputes.sol";
import {Test} from "../Test.sol";
import {DisputesHandler} from "./DisputesHandler.sol";

/// @notice What must hold after every action of DisputesHandler, and once everything has ended.
contract DisputesInvariantTest is Test {
    DisputesHandler private handler;
    IDisputes private disputes;

    function setUp() external {
        handler = new DisputesHandler();
        disputes = handler.contractUnderTest();
        targetContract(address(handler));
        targetSelector(FuzzSelector(address(handler), selectors()));
    }

    /// @dev `play` is listed three times, so that it is drawn three times as often as any other action.
    function selectors() private pure returns (bytes4[] memory list) {
        list = new bytes4[](12);
        (list[0], list[1], list[2]) =
        (DisputesHandler.claim.selector, DisputesHandler.challenge.selector, DisputesHandler.play.selector);
        (list[3], list[4], list[5]) =
        (list[2], DisputesHandler.wait.selector, DisputesHandler.waitLong.selector);
        (list[6], list[7], list[8]) =
        (DisputesHandler.timeOut.selector, DisputesHandler.release.selector, DisputesHandler.settle.selector);
        (list[9], list[10], list[11]) =
        (DisputesHandler.withdraw.selector, DisputesHandler.tryInvalidMoves.selector, list[2]);
    }

    /// @dev One function for all invariants, because forge runs a campaign of its own for each invariant
    /// function.
    /// forge-config: default.invariant.runs = 64
    /// forge-config: default.invariant.depth = 50
    function invariant_fundsOutcomesAndClocksHold() public view {
        balanceEqualsCreditsBondsAndBurned();
        onlyHonestClaimsStand();
        endedGamesDoNotChange();
        everyDeadlineIsWithinMaxSeconds();
    }

    function afterInvariant() external {
        handler.finish();
        invariant_fundsOutcomesAndClocksHold();
        uint256 paidIn;
        uint256 paidOut;
        address[6] memory all = handler.accounts();
        for (uint256 i; i < 6; ++i) {
            if (handler.isHonest(all[i])) {
                assertGe(handler.paidOut(all[i]), handler.paidIn(all[i]), "no honest bond is lost");
            }
            paidIn += handler.paidIn(all[i]);
            paidOut += handler.paidOut(all[i]);
        }
        // Honest players lost nothing, so the others together have lost at least what was burned.
        assertEq(paidIn, paidOut + disputes.burned(), "everything but what was burned is paid out");
        assertEq(address(disputes).balance, disputes.burned(), "only what was burned is left");
        for (uint256 id; id < handler.claimCount(); ++id) {
            IDisputes.Claim memory c = disputes.claimOf(id);
            assertEq(c.settled, handler.claims(id) == 0, "honest claims stand");
            assertEq(c.lost, handler.claims(id) != 0, "faulty claims are lost");
            assertEq(c.pot, 0, "the reward is paid out");
            assertEq(c.liveGames, 0, "no game is live");
        }
    }

    function balanceEqualsCreditsBondsAndBurned() private view {
        uint256 sum = disputes.burned();
        address[6] memory all = handler.accounts();
        for (uint256 i; i < 6; ++i) {
            sum += disputes.credit(all[i]);
        }
        for (uint256 id; id < handler.claimCount(); ++id) {
            IDisputes.Claim memory c = disputes.claimOf(id);
            sum += c.pot;
            if (!c.lost && !c.settled) sum += c.bond;
        }
        for (uint256 id; id < handler.gameCount(); ++id) {
            IDisputes.Game memory g = disputes.gameOf(id);
            if (g.phase != IDisputes.Phase.Over) sum += g.bond;
        }
        assertEq(address(disputes).balance, sum, "balance = credits + burned + rewards + live bonds");
    }

    function onlyHonestClaimsStand() private view {
        uint256[] memory live = new uint256[](handler.claimCount());
        uint256[] memory moves = new uint256[](live.length);
        for (uint256 id; id < handler.gameCount(); ++id) {
            IDisputes.Game memory g = disputes.gameOf(id);
            if (g.phase == IDisputes.Phase.Over) continue;
            ++live[g.claim];
            moves[g.claim] += g.moves;
        }
        for (uint256 id; id < live.length; ++id) {
            IDisputes.Claim memory c = disputes.claimOf(id);
            assertFalse(c.lost && c.settled, "a claim is lost or settled, not both");
            if (handler.claims(id) == 0) assertFalse(c.lost, "an honest claim is never lost");
            else assertFalse(c.settled, "a faulty claim never stands");
            assertEq(c.liveGames, live[id], "live games");
            assertEq(c.moves, moves[id], "moves of live games");
        }
    }

    function endedGamesDoNotChange() private view {
        for (uint256 id; id < handler.gameCount(); ++id) {
            bytes32 ended = handler.endedGame(id);
            if (ended != 0) assertEq(handler.stateOf(id), ended, "an ended game does not change");
        }
    }

    function everyDeadlineIsWithinMaxSeconds() private view {
        IDisputes.Terms memory terms = handler.theTerms();
        uint256 most = disputes.maxSeconds(terms);
        for (uint256 id; id < handler.gameCount(); ++id) {
            if (disputes.gameOf(id).phase == IDisputes.Phase.Over) continue;
            assertLe(
                handler.deadline(id),
                handler.claimedAt(handler.games(id)) + most,
                "the deadline is within maxSeconds of the claim"
            );
        }
    }
}
